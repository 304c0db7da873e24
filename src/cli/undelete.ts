import { randomUUID } from 'node:crypto';
import { SwitchboardError } from '../domain/errors.js';
import type { RegistryClient } from '../wire/client/registry-client.js';
import { EXIT_CODES } from './failure.js';
import { namesakes, severalOf } from './find-server.js';
import { confirmedLoss, type Surroundings } from './io.js';
import { reasonOf } from './reason.js';
import { repeatWrite } from './repeat.js';
import { shadowFlag } from './shadow-flag.js';
import { tierAndOwner } from './server-text.js';
import { jsonLine, printable } from './text.js';

/** `switchboard undelete`: puts a deleted server back as it was. Answers the exit code. */
export async function undelete(
  client: RegistryClient,
  key: string,
  { flags, io }: Surroundings,
): Promise<number> {
  const dryRun = flags['dryRun'] === true;
  const id = flags['id'] === true ? key : await findDeletedId(client, key);
  const write = {
    id,
    policy: shadowFlag(flags),
    reason: reasonOf(flags),
    validateOnly: dryRun,
    requestId: randomUUID(),
  };
  const mayHide = write.policy === 'shadow' && !dryRun;
  if (mayHide && !(await confirmedLoss(io, `Restore ${printable(key)}?`, flags))) {
    io.err('Nothing was changed.\n');
    return EXIT_CODES.failed;
  }
  const answer = await repeatWrite(() => client.undeleteServer(write), { signal: io.signal });
  if (flags['json'] === true) {
    io.out(jsonLine(answer));
    return EXIT_CODES.ok;
  }
  const { server } = answer;
  const what = `${server.name} (${tierAndOwner(server)})`;
  io.out(printable(`${what} ${dryRun ? 'would be' : 'is'} restored, with the id ${id}.`) + '\n');
  return EXIT_CODES.ok;
}

async function findDeletedId(client: RegistryClient, name: string): Promise<string> {
  const { deleted, living } = await namesakes(client, name);
  const [only, ...others] = deleted;
  if (only === undefined) {
    if (living.length > 0) throw new SwitchboardError('NOT_DELETED', `${name} is not deleted`);
    throw new SwitchboardError('SERVER_NOT_FOUND', `no deleted server had the name ${name}`);
  }
  if (others.length > 0) {
    throw severalOf(name, deleted, {
      which: 'deleted servers had',
      hint: 'pick one with --id ID; the most recently deleted is first',
    });
  }
  return only.id;
}
