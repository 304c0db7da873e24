import { randomUUID } from 'node:crypto';
import { SwitchboardError } from '../domain/errors.js';
import { UndeleteServerRequest } from '../wire/clients.js';
import { answerLine } from '../wire/json.js';
import type { Connection } from './connection.js';
import { EXIT_CODES } from './failure.js';
import { namesakes, severalOf } from './find-server.js';
import type { Surroundings } from './io.js';
import { reasonOf } from './reason.js';
import { repeatWrite } from './repeat.js';
import { tierAndOwner } from './server-text.js';
import { printable } from './text.js';
import { callUnary } from './unary.js';

/** `switchboard undelete`: puts a deleted server back as it was. Answers the exit code. */
export async function undelete(
  connection: Connection,
  key: string,
  { flags, io }: Surroundings,
): Promise<number> {
  const { client, tenant, metadata } = connection;
  const dryRun = flags['dryRun'] === true;
  const request = UndeleteServerRequest.fromPartial({
    tenant,
    id: flags['id'] === true ? key : await findDeletedId(connection, key),
    reason: reasonOf(flags),
    validateOnly: dryRun,
    requestId: randomUUID(),
  });
  const answer = await repeatWrite(
    () => callUnary(client.undeleteServer.bind(client), request, { metadata }),
    { signal: io.signal },
  );
  if (flags['json'] === true) {
    io.out(answerLine('UndeleteServerResponse', answer));
    return EXIT_CODES.ok;
  }
  const { server } = answer;
  const what = server === undefined ? request.id : `${server.name} (${tierAndOwner(server)})`;
  io.out(
    printable(`${what} ${dryRun ? 'would be' : 'is'} restored, with the id ${request.id}.`) + '\n',
  );
  return EXIT_CODES.ok;
}

async function findDeletedId(connection: Connection, name: string): Promise<string> {
  const { deleted, living } = await namesakes(connection, name);
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
