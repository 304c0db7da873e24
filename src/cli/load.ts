import { randomUUID } from 'node:crypto';
import {
  GetPrivateLoadStatusRequest,
  InvalidateUserRequest,
  LoadPrivateServersRequest,
  LoadState,
  type PrivateLoad,
} from '../wire/clients.js';
import { answerLine } from '../wire/json.js';
import type { Connection, Flags } from './connection.js';
import { EXIT_CODES } from './failure.js';
import type { Surroundings } from './io.js';
import { loadText } from './load-text.js';
import { reasonOf } from './reason.js';
import { repeatWrite } from './repeat.js';
import { printable } from './text.js';
import { callUnary } from './unary.js';

/** A source may have this long, and another load may be in front. Milliseconds. */
const TIMEOUT_MS = 120_000;

/** `switchboard load`: loads the private servers of a user, and tells what was found. */
export async function load(connection: Connection, user: string, flags: Flags): Promise<string> {
  const { client, tenant, metadata } = connection;
  const answer = await callUnary(
    client.loadPrivateServers.bind(client),
    LoadPrivateServersRequest.fromPartial({ tenant, user, force: flags['force'] === true }),
    { metadata, timeoutMs: TIMEOUT_MS },
  );
  if (flags['json'] === true) return answerLine('LoadPrivateServersResponse', answer);
  return answer.load === undefined ? '' : loadText(answer.load);
}

/** `switchboard load-status`: tells how far they are loaded; loads nothing. */
export async function loadStatus(
  { client, tenant, metadata }: Connection,
  user: string,
  flags: Flags,
): Promise<string> {
  const answer = await callUnary(
    client.getPrivateLoadStatus.bind(client),
    GetPrivateLoadStatusRequest.fromPartial({ tenant, user }),
    { metadata },
  );
  if (flags['json'] === true) return answerLine('GetPrivateLoadStatusResponse', answer);
  return answer.load === undefined ? '' : loadText(answer.load);
}

/** `switchboard invalidate`: says that the source has changed for a user. */
export async function invalidate(
  { client, tenant, metadata }: Connection,
  user: string,
  { flags, io }: Surroundings,
): Promise<number> {
  const reason = reasonOf(flags);
  const request = InvalidateUserRequest.fromPartial({
    tenant,
    user,
    reason,
    requestId: randomUUID(),
  });
  const answer = await repeatWrite(
    () => callUnary(client.invalidateUser.bind(client), request, { metadata }),
    { signal: io.signal },
  );
  if (flags['json'] === true) io.out(answerLine('InvalidateUserResponse', answer));
  else if (answer.load !== undefined) io.out(`${printable(invalidatedText(answer.load))}\n`);
  return EXIT_CODES.ok;
}

function invalidatedText({ user, source, state }: PrivateLoad): string {
  if (source === '') return 'Nothing to invalidate: the tenant has no private source.';
  if (state === LoadState.STATE_PURGED)
    return `${user} is purged: nothing is loaded until \`switchboard load ${user} --force\`.`;
  return `Invalidated: the next read for ${user} reloads from ${source}.`;
}
