import type { View } from '../domain/view.js';
import { ListServersRequest, type ListServersResponse } from '../wire/clients.js';
import { answerLine } from '../wire/json.js';
import { toViewMessage } from '../wire/view-codec.js';
import type { Connection, Flags } from './connection.js';
import { readRevision } from './pages.js';
import { SERVER_COLUMNS, serverRow } from './server-text.js';
import { table } from './text.js';
import { callUnary } from './unary.js';
import { viewOf } from './view.js';

/** Servers come with their facts, of which so many fit in an answer. */
const PAGE_SIZE = 50;

/** `switchboard list`: all servers of a view. */
export async function list(connection: Connection, flags: Flags): Promise<string> {
  const answer = await listAll(connection, viewOf(flags));
  if (flags['json'] === true) return answerLine('ListServersResponse', answer);
  if (answer.servers.length === 0) return 'This view has no servers.\n';
  return table([SERVER_COLUMNS, ...answer.servers.map(serverRow)]);
}

/** All servers of a view as one answer, with the header of the last page. */
export async function listAll(
  { client, tenant, metadata }: Connection,
  view: View,
): Promise<ListServersResponse> {
  const request = ListServersRequest.fromPartial({
    tenant,
    view: toViewMessage(view),
    pageSize: PAGE_SIZE,
  });
  const { pages, last } = await readRevision((pageToken) =>
    callUnary(client.listServers.bind(client), { ...request, pageToken }, { metadata }),
  );
  return { ...last, servers: pages.flatMap(({ servers }) => servers) };
}
