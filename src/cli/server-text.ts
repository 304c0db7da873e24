import { connectionScope, type ConnectionScope } from '../domain/config/connection-scope.js';
import { foundRefusal, sharedSignIn } from '../domain/inspection.js';
import type { Declaration, ReportedServer } from '../domain/server.js';
import { factRows } from './facts-text.js';
import { localTime, printable, table, withoutUserinfo } from './text.js';

export { table };

export const SERVER_COLUMNS = ['NAME', 'TIER', 'TRANSPORT', 'WHERE', 'STATE', 'UPDATED'] as const;

/** One line about a server, in the order of SERVER_COLUMNS. */
export function serverRow(server: ReportedServer): readonly string[] {
  const { kind, where } = transportOf(server);
  return [
    server.name,
    tierAndOwner(server),
    kind,
    where,
    server.spec.enabled ? 'enabled' : 'disabled',
    localTime(server.lastUpdatedAt),
  ].map(printable);
}

/** A line for each server that needs attention. */
export function warningLines(servers: readonly ReportedServer[]): string {
  return servers
    .flatMap((server) => {
      const warning = sharedSignIn(server) ?? foundRefusal(server);
      return warning === undefined ? [] : [printable(`WARNING: ${server.name}: ${warning}`) + '\n'];
    })
    .join('');
}

/** All that a person asks about a server, a line each. */
export function serverDetails(server: ReportedServer): string {
  const { kind, where } = transportOf(server);
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Name', server.name],
    ['Id', server.id],
    ['External id', server.externalId],
    ['Tier', server.tier],
    ['Owner', server.owner],
    ['Enabled', server.spec.enabled ? 'yes' : 'no'],
    ['Transport', kind],
    [kind === 'stdio' ? 'Command' : 'URL', where],
    ['Policy', server.transportExempt ? 'does not apply: demoted from this place' : ''],
    ['Title', server.spec.title],
    ['Description', server.spec.description],
    ['Connection', `one for each ${SCOPES[server.scope]}`],
    ['Because', connectionScope(server.tier, server.spec).reasons.join('; ')],
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

const SCOPES: Readonly<Record<ConnectionScope, string>> = {
  shared: 'node',
  user: 'user',
  conversation: 'conversation',
  request: 'request',
};

/** Its tier, and for PRIVATE ones whose it is. */
export function tierAndOwner({ tier, owner }: Pick<Declaration, 'tier' | 'owner'>): string {
  return owner === undefined ? tier : `${tier} of ${owner}`;
}

/** Its command or its URL. */
export function whereOf(server: Pick<Declaration, 'spec'>): string {
  return transportOf(server).where;
}

function transportOf({ spec }: Pick<Declaration, 'spec'>): {
  readonly kind: string;
  readonly where: string;
} {
  const { transport } = spec;
  switch (transport.kind) {
    case 'stdio':
      return { kind: 'stdio', where: [transport.command, ...transport.args].join(' ') };
    case 'streamable_http':
      return { kind: 'http', where: withoutUserinfo(transport.url) };
    case 'sse':
    case 'websocket':
      return { kind: transport.kind, where: withoutUserinfo(transport.url) };
  }
}
