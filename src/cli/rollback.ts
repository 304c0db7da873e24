import { randomUUID } from 'node:crypto';
import type { RegistryClient } from '../wire/client/registry-client.js';
import { diffLines } from './changes-text.js';
import { EXIT_CODES } from './failure.js';
import { findId, getById } from './find-server.js';
import { generationOf } from './generation.js';
import { confirmed, confirmedLoss, type Surroundings } from './io.js';
import { reasonOf } from './reason.js';
import { repeatWrite } from './repeat.js';
import { shadowFlag } from './shadow-flag.js';
import { takesAccess } from './takes-access.js';
import { jsonLine, printable } from './text.js';

/**
 * `switchboard rollback`: makes an older version the newest. Shows first what that changes,
 * and does exactly that: a server that was changed meanwhile is refused. Answers the exit code.
 */
export async function rollback(
  client: RegistryClient,
  key: string,
  { flags, io }: Surroundings,
): Promise<number> {
  const generation = generationOf(flags, 'to');
  const server = await getById(client, await findId(client, key, { flags }));
  const { id, etag } = server;
  const write = { id, etag, generation, policy: shadowFlag(flags), reason: reasonOf(flags) };
  const json = flags['json'] === true;

  const plan = await client.rollbackServer({ ...write, requestId: '', validateOnly: true });
  const name = printable(server.name);
  const versions = `generation ${String(server.generation)} to what ${String(generation)} declared`;
  if (plan.changes.length === 0) {
    io.out(
      json
        ? jsonLine(plan)
        : `${name} is as generation ${String(generation)} declared it: nothing to change.\n`,
    );
    return EXIT_CODES.ok;
  }
  if (!json) io.out(`${name}: from ${versions}\n${diffLines(plan.changes)}`);
  if (flags['dryRun'] === true) {
    if (json) io.out(jsonLine(plan));
    return EXIT_CODES.ok;
  }
  // Nobody counts here how many private servers the older name hides.
  const mayHide = write.policy === 'shadow' && plan.changes.some(({ path }) => path === 'name');
  const ask = mayHide || takesAccess(plan.changes) ? confirmedLoss : confirmed;
  if (!(await ask(io, `Roll ${name} back?`, flags))) {
    io.err('Nothing was changed.\n');
    return EXIT_CODES.failed;
  }
  const final = { ...write, requestId: randomUUID(), validateOnly: false };
  const answer = await repeatWrite(() => client.rollbackServer(final), { signal: io.signal });
  io.out(
    json
      ? jsonLine(answer)
      : `Rolled back: ${name} is now at generation ${String(answer.server.generation)}.\n`,
  );
  return EXIT_CODES.ok;
}
