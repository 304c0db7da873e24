import { randomUUID } from 'node:crypto';
import { PurgeUserRequest, type PurgeUserResponse } from '../wire/clients.js';
import { answerLine } from '../wire/json.js';
import type { Connection } from './connection.js';
import { EXIT_CODES } from './failure.js';
import { confirmed, type Surroundings } from './io.js';
import { reasonOf } from './reason.js';
import { repeatWrite } from './repeat.js';
import { counted, printable } from './text.js';
import { callUnary } from './unary.js';

/** A purge of many servers takes several commits. Milliseconds. */
const TIMEOUT_MS = 120_000;

/**
 * `switchboard purge-user`: takes away all that a departed user had. Shows first how much
 * that is. What the user gets in between is taken as well. Answers the exit code.
 */
export async function purgeUser(
  { client, tenant, metadata }: Connection,
  user: string,
  { flags, io }: Surroundings,
): Promise<number> {
  const json = flags['json'] === true;
  const reason = reasonOf(flags);
  const request = PurgeUserRequest.fromPartial({ tenant, user, reason });
  const send = (what: Partial<PurgeUserRequest>): Promise<PurgeUserResponse> =>
    callUnary(
      client.purgeUser.bind(client),
      { ...request, ...what },
      { metadata, timeoutMs: TIMEOUT_MS },
    );

  const plan = await send({ validateOnly: true });
  if (!json) io.out(planText(user, plan));
  if (flags['dryRun'] === true) {
    if (json) io.out(answerLine('PurgeUserResponse', plan));
    return EXIT_CODES.ok;
  }
  if (!(await confirmed(io, `Purge ${printable(user)}?`, flags))) {
    io.err('Nothing was changed.\n');
    return EXIT_CODES.failed;
  }
  const requestId = randomUUID();
  const done = await repeatWrite(() => send({ requestId }), { signal: io.signal });
  io.out(json ? answerLine('PurgeUserResponse', done) : doneText(done));
  return EXIT_CODES.ok;
}

function planText(user: string, { deletedCount, revokedCount }: PurgeUserResponse): string {
  const lines = [
    `  ${counted(deletedCount, 'server')} of the user will be deleted`,
    `  access to ${counted(revokedCount, 'server')} of others will be revoked`,
    `  nothing will be loaded until \`switchboard load ${user} --force\``,
  ];
  return `${printable(user)}\n${lines.map((line) => `${printable(line)}\n`).join('')}`;
}

function doneText({ deletedCount, revokedCount }: PurgeUserResponse): string {
  const deleted = `${counted(deletedCount, 'server')} deleted`;
  return `Purged: ${deleted}, access to ${counted(revokedCount, 'server')} revoked.\n`;
}
