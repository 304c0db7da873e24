import { isSwitchboardError } from '../domain/errors.js';
import type { View } from '../domain/view.js';
import { ListServersRequest, type ListServersResponse } from '../wire/clients.js';
import { answerToJson } from '../wire/json.js';
import { toViewMessage } from '../wire/view-codec.js';
import type { Connection, Flags } from './connection.js';
import { SERVER_COLUMNS, serverRow } from './server-text.js';
import { table } from './text.js';
import { callUnary } from './unary.js';
import { viewOf } from './view.js';

/** Servers come with their facts, of which so many fit in an answer. */
const PAGE_SIZE = 50;
/** A list that changes while it is read is started again so often. */
const MAX_ATTEMPTS = 5;

/** `switchboard list`: all servers of a view. */
export async function list(connection: Connection, flags: Flags): Promise<string> {
  const answer = await listAll(connection, viewOf(flags));
  if (flags['json'] === true)
    return `${JSON.stringify(answerToJson('ListServersResponse', answer))}\n`;
  if (answer.servers.length === 0) return 'This view has no servers.\n';
  return table([SERVER_COLUMNS, ...answer.servers.map(serverRow)]);
}

/** All servers of a view as one answer, with the header of the last page. */
export async function listAll(connection: Connection, view: View): Promise<ListServersResponse> {
  const request = ListServersRequest.fromPartial({
    tenant: connection.tenant,
    view: toViewMessage(view),
    pageSize: PAGE_SIZE,
  });
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await readPages(connection, request);
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !isSwitchboardError(error, 'PAGE_EXPIRED')) throw error;
    }
  }
}

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
      { metadata },
    );
    servers.push(...page.servers);
    pageToken = page.nextPageToken;
    if (pageToken === '') return { ...page, servers };
  }
}
