import type { ConnectTarget } from './connect-target.js';
import { isSafeName } from './process-environment.js';

/** The shortest value that came from a reference or a hook and is redacted, in characters. */
const MIN_SECRET = 4;

/** The same for what stands in the spec as it is: much that is shorter is no secret. */
const MIN_LITERAL = 8;

/** Headers whose literal values are never secret. */
const PLAIN_HEADER = /^(?:accept(?:-[a-z]+)*|content-type|user-agent)$/;

/** The texts that a target sends to its server and that nobody else may see. */
export function sentValues(target: ConnectTarget): readonly string[] {
  const literals = target.kind === 'stdio' ? environmentOf(target.env) : networkValues(target);
  const found = new Set([
    ...longEnough(target.secrets ?? [], MIN_SECRET),
    ...longEnough(literals, MIN_LITERAL),
  ]);
  return [...found];
}

/** The values, and what is secret within them, without those that are too short. */
function longEnough(values: readonly string[], minLength: number): readonly string[] {
  return values.flatMap(partsOf).filter((text) => text.length >= minLength);
}

function environmentOf(env: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(env).flatMap(([name, value]) =>
    isSafeName(name) ? [] : [value, ...urlValues(value)],
  );
}

function networkValues(target: Exclude<ConnectTarget, { kind: 'stdio' }>): readonly string[] {
  return [
    ...Object.entries(target.headers).flatMap(([name, value]) => headerValues(name, value)),
    ...urlValues(target.url),
    ...urlValues(target.proxyUrl),
  ];
}

function headerValues(name: string, value: string): readonly string[] {
  const lowerCase = name.toLowerCase();
  if (PLAIN_HEADER.test(lowerCase)) return [];
  if (lowerCase !== 'cookie') return [value];
  const cookies = value.split(';').map((cookie) => cookie.slice(cookie.indexOf('=') + 1).trim());
  return [value, ...cookies];
}

/** The values of the query, and the credentials. */
function urlValues(text: string | undefined): readonly string[] {
  if (text === undefined || !URL.canParse(text)) return [];
  const { searchParams, username, password } = new URL(text);
  const credentials = [username, password].map(decoded);
  return [
    ...searchParams.values(),
    ...credentials,
    ...(password === '' ? [] : [credentials.join(':')]),
  ];
}

/**
 * A value, what follows the scheme of a credential (`Bearer …`), and of a Basic one the user and
 * the password.
 */
function partsOf(value: string): readonly string[] {
  const [, scheme = '', credential] = /^(\S+)\s+(\S.*)$/s.exec(value) ?? [];
  if (credential === undefined) return [value];
  if (scheme.toLowerCase() !== 'basic') return [value, credential];
  const pair = Buffer.from(credential, 'base64').toString();
  return [value, credential, pair, pair.slice(pair.indexOf(':') + 1)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
