import { randomUUID } from 'node:crypto';
import { RollbackServerRequest, type RollbackServerResponse } from '../wire/clients.js';
import { answerLine } from '../wire/json.js';
import { diffLines } from './changes-text.js';
import type { Connection } from './connection.js';
import { EXIT_CODES } from './failure.js';
import { findId, getById } from './find-server.js';
import { generationOf } from './generation.js';
import { confirmed, type Surroundings } from './io.js';
import { reasonOf } from './reason.js';
import { repeatWrite } from './repeat.js';
import { printable } from './text.js';
import { callUnary } from './unary.js';

/**
 * `switchboard rollback`: makes an older version the newest. Shows first what that changes,
 * and does exactly that: a server that was changed meanwhile is refused. Answers the exit code.
 */
export async function rollback(
  connection: Connection,
  key: string,
  { flags, io }: Surroundings,
): Promise<number> {
  const generation = generationOf(flags, 'to');
  const server = await getById(connection, await findId(connection, key, { flags }));
  const request = RollbackServerRequest.fromPartial({
    tenant: connection.tenant,
    id: server.id,
    etag: server.etag,
    generation,
    reason: reasonOf(flags),
  });
  const json = flags['json'] === true;
  const send = (what: Partial<RollbackServerRequest>): Promise<RollbackServerResponse> =>
    callUnary(
      connection.client.rollbackServer.bind(connection.client),
      { ...request, ...what },
      connection,
    );

  const plan = await send({ validateOnly: true });
  const name = printable(server.name);
  const versions = `generation ${String(server.generation)} to what ${String(generation)} declared`;
  if (plan.changes.length === 0) {
    io.out(
      json
        ? answerLine('RollbackServerResponse', plan)
        : `${name} is as generation ${String(generation)} declared it: nothing to change.\n`,
    );
    return EXIT_CODES.ok;
  }
  if (!json) io.out(`${name}: from ${versions}\n${diffLines(plan.changes)}`);
  if (flags['dryRun'] === true) {
    if (json) io.out(answerLine('RollbackServerResponse', plan));
    return EXIT_CODES.ok;
  }
  if (!(await confirmed(io, `Roll ${name} back?`, flags))) {
    io.err('Nothing was changed.\n');
    return EXIT_CODES.failed;
  }
  const requestId = randomUUID();
  const answer = await repeatWrite(() => send({ requestId }), { signal: io.signal });
  io.out(
    json
      ? answerLine('RollbackServerResponse', answer)
      : `Rolled back: ${name} is now at generation ${String(answer.server?.generation)}.\n`,
  );
  return EXIT_CODES.ok;
}
