import { InspectServerRequest } from '../wire/clients.js';
import { answerLine } from '../wire/json.js';
import type { Connection, Flags } from './connection.js';
import { inspectionText } from './facts-text.js';
import { findId } from './find-server.js';
import { callUnary } from './unary.js';

/** Longer than the control plane itself allows an inspection. Milliseconds. */
const TIMEOUT_MS = 120_000;

/** `switchboard inspect`: has the control plane look at a server now, and tells what it found. */
export async function inspect(connection: Connection, key: string, flags: Flags): Promise<string> {
  const { client, tenant, metadata } = connection;
  const id = await findId(connection, key, { flags });
  const answer = await callUnary(
    client.inspectServer.bind(client),
    InspectServerRequest.fromPartial({ tenant, id }),
    { metadata, timeoutMs: TIMEOUT_MS },
  );
  if (flags['json'] === true) {
    return answerLine('InspectServerResponse', answer);
  }
  return answer.server === undefined ? '' : inspectionText(answer.server);
}
