import { isSwitchboardError } from '../domain/errors.js';
import { ListServersRequest, type ListServersResponse } from '../wire/clients.js';
import { listToJson } from '../wire/json.js';
import { toViewMessage } from '../wire/view-codec.js';
import type { Connection, Flags } from './connection.js';
import { SERVER_COLUMNS, serverRow, table } from './server-text.js';
import { callUnary } from './unary.js';
import { viewOf } from './view.js';

const PAGE_SIZE = 1_000;
/** A list that changes while it is read is started again so often. */
const MAX_ATTEMPTS = 5;

/** `switchboard list`: all servers of a view. */
export async function list(connection: Connection, flags: Flags): Promise<string> {
  const request = ListServersRequest.fromPartial({
    tenant: connection.tenant,
    view: toViewMessage(viewOf(flags)),
    pageSize: PAGE_SIZE,
  });
  const answer = await readAllPages(connection, request);
  if (flags['json'] === true) return `${JSON.stringify(listToJson(answer))}\n`;
  if (answer.servers.length === 0) return 'This view has no servers.\n';
  return table([SERVER_COLUMNS, ...answer.servers.map(serverRow)]);
}

async function readAllPages(
  connection: Connection,
  request: ListServersRequest,
): Promise<ListServersResponse> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await readPages(connection, request);
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !isSwitchboardError(error, 'PAGE_EXPIRED')) throw error;
    }
  }
}

/** All pages as one answer, with the header of the last. */
async function readPages(
  { client, metadata }: Connection,
  request: ListServersRequest,
): Promise<ListServersResponse> {
  const servers = [];
  let pageToken = '';
  for (;;) {
    const page = await callUnary(
      client.listServers.bind(client),
      { ...request, pageToken },
      metadata,
    );
    servers.push(...page.servers);
    pageToken = page.nextPageToken;
    if (pageToken === '') return { ...page, servers };
  }
}
