import type { ServerMessage } from '../wire/json.js';

/** Columns of text, padded; every row ends with its last cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, cell.length)));
  }
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, index) => cell.padEnd(widths[index] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

export const SERVER_COLUMNS = ['NAME', 'TIER', 'TRANSPORT', 'WHERE', 'STATE', 'UPDATED'] as const;

/** One line about a server, in the order of SERVER_COLUMNS. */
export function serverRow(server: ServerMessage): readonly string[] {
  const { kind, where } = transportOf(server);
  const owner = server.owner === '' ? '' : ` of ${server.owner}`;
  return [
    server.name,
    `${tierOf(server)}${owner}`,
    kind,
    where,
    server.spec?.enabled === false ? 'disabled' : 'enabled',
    server.lastUpdatedAt?.toISOString() ?? '',
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
    ['Created', server.createTime?.toISOString()],
    ['Updated', server.lastUpdatedAt?.toISOString()],
    ['Etag', server.etag],
    ['Config hash', server.configHash],
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

function tierOf(server: ServerMessage): string {
  return TIERS[server.tier] ?? '';
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

/** Text that others wrote must not steer the terminal. */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what it is about
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}
