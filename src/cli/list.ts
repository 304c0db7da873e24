import type { RegistryClient } from '../wire/client/registry-client.js';
import type { Flags } from './connection.js';
import { SERVER_COLUMNS, serverRow, warningLines } from './server-text.js';
import { jsonLine, table } from './text.js';
import { viewOf } from './view.js';

/** `switchboard list`: all servers of a view. */
export async function list(client: RegistryClient, flags: Flags): Promise<string> {
  const answer = await client.listServers(viewOf(flags));
  if (flags['json'] === true) return jsonLine(answer);
  if (answer.servers.length === 0) return 'This view has no servers.\n';
  return `${table([SERVER_COLUMNS, ...answer.servers.map(serverRow)])}${warningLines(answer.servers)}`;
}
