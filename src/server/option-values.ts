import { readHost, readNetwork } from '../domain/read-policy.js';

/**
 * How the values of options are written. Each parser throws an Error that says what is
 * expected; whoever calls it adds the name of the option.
 */

/** What is listened on. `port` 0 takes any free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:7070`, `localhost:7070` or `[::1]:7070`. */
export function parseAddress(text: string): ListenAddress {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) {
    throw new Error('expected HOST:PORT such as 127.0.0.1:7070 or [::1]:7070');
  }
  return { host, port };
}

/** The address as `parseAddress` reads it. */
export function formatAddress({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether only this machine can reach it. A name other than localhost may lead anywhere. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `500ms`, `10s`, `5m`, `24h` or `7d`, more than 0, in milliseconds. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  const ms = Math.round(Number(match?.[1]) * (UNITS_MS[match?.[2] ?? ''] ?? NaN));
  if (!(ms > 0) || !Number.isSafeInteger(ms)) {
    throw new Error('expected a duration such as 500ms, 10s, 5m, 24h or 7d');
  }
  return ms;
}

/** A duration of at most one hour: what timers wait for. */
export function parseDelay(text: string): number {
  const ms = parseDuration(text);
  if (ms > 3_600_000) throw new Error('expected at most 1h');
  return ms;
}

/** A whole number from 1 up. */
export function parseCount(text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(count >= 1) || !Number.isSafeInteger(count)) {
    throw new Error('expected a whole number of at least 1');
  }
  return count;
}

const UNITS_BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 1_024, MiB: 1_048_576 };

/** `4194304`, `512KiB` or `4MiB`, at least 1, in bytes. */
export function parseBytes(text: string): number {
  const match = /^(\d+)(B|KiB|MiB)?$/.exec(text);
  const bytes = Number(match?.[1]) * (UNITS_BYTES[match?.[2] ?? 'B'] ?? NaN);
  if (!(bytes >= 1) || !Number.isSafeInteger(bytes)) {
    throw new Error('expected a size such as 4194304, 512KiB or 4MiB');
  }
  return bytes;
}

/** `true` or `false`; of a flag that is only named, true. */
export function parseSwitch(text: string): boolean {
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0' || text === '') return false;
  throw new Error('expected true or false');
}

/** Networks and addresses, separated by commas. */
export function parseNetworks(text: string): readonly string[] {
  return listed(text).map(readNetwork);
}

/** Host names, `*.` before those that stand for all names below them, separated by commas. */
export function parseHosts(text: string): readonly string[] {
  return listed(text).map(readHost);
}

function listed(text: string): readonly string[] {
  return text.split(',').map((item) => item.trim());
}

/** From the fewest lines to the most; `silent` logs nothing. */
export const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** One of LOG_LEVELS. */
export function parseLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((candidate) => candidate === text);
  if (level === undefined) throw new Error(`expected one of ${LOG_LEVELS.join(', ')}`);
  return level;
}

/** Where the data of the server can be kept. */
export const CATALOGS = ['lmdb', 'memory'] as const;
export type CatalogKind = (typeof CATALOGS)[number];

/** One of CATALOGS. */
export function parseCatalog(text: string): CatalogKind {
  const kind = CATALOGS.find((candidate) => candidate === text);
  if (kind === undefined) throw new Error(`expected one of ${CATALOGS.join(', ')}`);
  return kind;
}

/** Any text that is not blank. */
export function parseText(text: string): string {
  if (text.trim() === '') throw new Error('must not be empty');
  return text;
}
