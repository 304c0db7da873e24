import { randomUUID } from 'node:crypto';
import type { ReportedServer } from '../domain/server.js';
import type { Answer } from '../wire/client/answer.js';
import type { Moved } from '../wire/client/moves.js';
import type { RegistryClient } from '../wire/client/registry-client.js';
import { EXIT_CODES, UsageError } from './failure.js';
import { findId, getById } from './find-server.js';
import { confirmed, confirmedLoss, type Surroundings } from './io.js';
import { reasonOf } from './reason.js';
import { repeatWrite } from './repeat.js';
import { shadowFlag } from './shadow-flag.js';
import { tierAndOwner } from './server-text.js';
import { tierFlag } from './tier-flag.js';
import { indented, jsonLine, printable, table } from './text.js';

/** What a request says besides the server that it is about. */
interface Sending {
  readonly validateOnly: boolean;
  readonly requestId: string;
}

/** `switchboard promote`: makes a PRIVATE server a shared one. Shows first whom it would hide. */
export async function promote(
  client: RegistryClient,
  key: string,
  { flags, io }: Surroundings,
): Promise<number> {
  const tier = tierFlag(flags);
  const server = await getById(client, await findId(client, key, { flags }));
  const { id, etag } = server;
  const write = { id, etag, tier, policy: shadowFlag(flags), reason: reasonOf(flags) };
  const send = (more: Sending) => client.promoteServer({ ...write, ...more });
  return move(server, { send, hides: 'It will hide' }, { flags, io });
}

/** `switchboard demote`: makes a shared server a PRIVATE one. Shows first what it uncovers. */
export async function demote(
  client: RegistryClient,
  key: string,
  { flags, io }: Surroundings,
): Promise<number> {
  const owner = (flags['owner'] as string | undefined) ?? '';
  if (owner === '') throw new UsageError('--owner is required: the new owner');
  const server = await getById(client, await findId(client, key, { flags }));
  const write = {
    id: server.id,
    etag: server.etag,
    owner,
    subjects: (flags['grant'] as string[] | undefined) ?? [],
    name: (flags['name'] as string | undefined) ?? '',
    reason: reasonOf(flags),
  };
  const send = (more: Sending) => client.demoteServer({ ...write, ...more });
  return move(server, { send, hides: 'It will no longer hide' }, { flags, io });
}

/** Shows a plan, asks, and does exactly that: a server that was changed meanwhile is refused. */
async function move(
  before: ReportedServer,
  {
    send,
    hides,
  }: { readonly send: (more: Sending) => Promise<Answer<Moved>>; readonly hides: string },
  { flags, io }: Surroundings,
): Promise<number> {
  const json = flags['json'] === true;
  const plan = await send({ validateOnly: true, requestId: '' });
  if (!json) io.out(planText(before, plan, hides));
  if (flags['dryRun'] === true) {
    if (json) io.out(jsonLine(plan));
    return EXIT_CODES.ok;
  }
  const ask = takesAway(plan) ? confirmedLoss : confirmed;
  if (!(await ask(io, `Move ${printable(before.name)}?`, flags))) {
    io.err('Nothing was changed.\n');
    return EXIT_CODES.failed;
  }
  const requestId = randomUUID();
  const done = await repeatWrite(() => send({ validateOnly: false, requestId }), {
    signal: io.signal,
  });
  if (json) io.out(jsonLine(done));
  else
    io.out(printable(`Done: ${nameAndTier(done.server)}, with the id ${done.server.id}.`) + '\n');
  return EXIT_CODES.ok;
}

/** Everyone else loses what becomes PRIVATE, and owners lose what is hidden. */
function takesAway({ server, namesakes }: Moved): boolean {
  return server.tier === 'PRIVATE' || namesakes.length > 0;
}

function planText(
  before: ReportedServer,
  { server, namesakes, more }: Moved,
  hides: string,
): string {
  const isCopy = server.id !== before.id;
  const how = isCopy ? ', as a copy: the original stays in its private source' : '';
  const first = printable(`${nameAndTier(before)} -> ${nameAndTier(server)}${how}`);
  if (namesakes.length === 0) return `${first}\n`;
  const rows = namesakes.map(({ id, owner }) => [id, `PRIVATE of ${owner}`].map(printable));
  const rest = more ? '  and more\n' : '';
  return `${first}\n${hides}:\n${indented(table(rows))}\n${rest}`;
}

function nameAndTier(server: ReportedServer): string {
  return `${server.name} (${tierAndOwner(server)})`;
}
