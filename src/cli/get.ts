import { INVENTORY_VIEW } from '../domain/view.js';
import { GetServerRequest } from '../wire/clients.js';
import { answerLine } from '../wire/json.js';
import { toViewMessage } from '../wire/view-codec.js';
import type { Connection, Flags } from './connection.js';
import { serverDetails } from './server-text.js';
import { callUnary } from './unary.js';
import { viewOf } from './view.js';

/** `switchboard get`: one server, by the name that resolves in a view or by its id. */
export async function get(connection: Connection, key: string, flags: Flags): Promise<string> {
  const { client, tenant, metadata } = connection;
  const byId = flags['id'] === true;
  const view = viewOf(flags, byId ? INVENTORY_VIEW : undefined);
  const request = GetServerRequest.fromPartial({
    tenant,
    view: toViewMessage(view),
    key: { $case: byId ? 'id' : 'name', value: key },
  });
  const answer = await callUnary(client.getServer.bind(client), request, { metadata });
  if (flags['json'] === true) return answerLine('GetServerResponse', answer);
  return answer.server === undefined ? '' : serverDetails(answer.server);
}
