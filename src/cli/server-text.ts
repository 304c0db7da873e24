import type { ServerMessage } from '../wire/json.js';
import { factRows } from './facts-text.js';
import { localTime, printable, table } from './text.js';

export { table };

export const SERVER_COLUMNS = ['NAME', 'TIER', 'TRANSPORT', 'WHERE', 'STATE', 'UPDATED'] as const;

/** One line about a server, in the order of SERVER_COLUMNS. */
export function serverRow(server: ServerMessage): readonly string[] {
  const { kind, where } = transportOf(server);
  return [
    server.name,
    tierAndOwner(server),
    kind,
    where,
    server.spec?.enabled === false ? 'disabled' : 'enabled',
    localTime(server.lastUpdatedAt),
  ].map(printable);
}

/** All that a person asks about a server, a line each. */
export function serverDetails(server: ServerMessage): string {
  const { kind, where } = transportOf(server);
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Name', server.name],
    ['Id', server.id],
    ['External id', server.externalId],
    ['Tier', tierOf(server)],
    ['Owner', server.owner],
    ['Enabled', server.spec?.enabled === false ? 'no' : 'yes'],
    ['Transport', kind],
    [kind === 'stdio' ? 'Command' : 'URL', where],
    ['Title', server.spec?.title],
    ['Description', server.spec?.description],
    ['Connection', `one for each ${SCOPES[server.connectionScope] ?? '?'}`],
    ['Because', server.connectionScopeReasons.join('; ')],
    ['Created', localTime(server.createTime)],
    ['Updated', localTime(server.lastUpdatedAt)],
    ['Set', server.set],
    ['Generation', server.generation === 0 ? '' : String(server.generation)],
    ['Etag', server.etag],
    ['Config hash', server.configHash],
    ...factRows(server),
  ];
  return table(
    facts.flatMap(([label, value]) =>
      value === undefined || value === '' ? [] : [[`${label}:`, printable(value)]],
    ),
  );
}

const SCOPES: Readonly<Record<number, string>> = {
  1: 'node',
  2: 'user',
  3: 'conversation',
  4: 'request',
};

const TIERS: Readonly<Record<number, string>> = { 1: 'APP', 2: 'USER', 3: 'PRIVATE' };

/** The name of a tier. */
export function tierOf({ tier }: Pick<ServerMessage, 'tier'>): string {
  return TIERS[tier] ?? '';
}

/** Its tier, and for PRIVATE ones whose it is. */
export function tierAndOwner(server: Pick<ServerMessage, 'tier' | 'owner'>): string {
  return server.owner === '' ? tierOf(server) : `${tierOf(server)} of ${server.owner}`;
}

/** Its command or its URL. */
export function whereOf(server: ServerMessage): string {
  return transportOf(server).where;
}

function transportOf({ spec }: ServerMessage): { readonly kind: string; readonly where: string } {
  const transport = spec?.transport;
  if (transport === undefined) return { kind: '', where: '' };
  if (transport.$case === 'stdio') {
    return { kind: 'stdio', where: [transport.value.command, ...transport.value.args].join(' ') };
  }
  const kinds = { streamableHttp: 'http', sse: 'sse', websocket: 'websocket' };
  return { kind: kinds[transport.$case], where: transport.value.url };
}
