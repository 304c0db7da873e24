import { randomUUID } from 'node:crypto';
import {
  DemoteServerRequest,
  type NamedServer,
  PromoteServerRequest,
  ShadowPolicy,
} from '../wire/clients.js';
import { answerLine, type ServerMessage } from '../wire/json.js';
import { toTierMessage } from '../wire/server-codec.js';
import type { Connection, Flags } from './connection.js';
import { EXIT_CODES, UsageError } from './failure.js';
import { findId, getById } from './find-server.js';
import { confirmed, type Surroundings } from './io.js';
import { reasonOf } from './reason.js';
import { repeatWrite } from './repeat.js';
import { tierAndOwner } from './server-text.js';
import { indented, printable, table } from './text.js';
import { callUnary } from './unary.js';

/** What became of a server, or would become of it. */
interface Moved {
  readonly server: ServerMessage | undefined;
  /** Private servers of the name that it hides from then on, or no longer. */
  readonly namesakes: readonly NamedServer[];
  readonly more: boolean;
  /** The answer as a line of proto JSON. */
  readonly json: string;
}

/** What a request says besides the server that it is about. */
interface Sending {
  readonly validateOnly: boolean;
  readonly requestId: string;
}

/** `switchboard promote`: makes a PRIVATE server a shared one. Shows first whom it would hide. */
export async function promote(
  connection: Connection,
  key: string,
  { flags, io }: Surroundings,
): Promise<number> {
  const { client, tenant, metadata } = connection;
  const tier = tierFlag(flags);
  const server = await getById(connection, await findId(connection, key, { flags }));
  const send = async (more: Sending): Promise<Moved> => {
    const request = PromoteServerRequest.fromPartial({
      tenant,
      id: server.id,
      etag: server.etag,
      tier: toTierMessage(tier),
      ...more,
      policy:
        flags['shadow'] === true
          ? ShadowPolicy.SHADOW_POLICY_SHADOW
          : ShadowPolicy.SHADOW_POLICY_FAIL,
      reason: reasonOf(flags),
    });
    const answer = await callUnary(client.promoteServer.bind(client), request, { metadata });
    const json = answerLine('PromoteServerResponse', answer);
    const { shadowed, moreShadowed } = answer;
    const common = { namesakes: shadowed, more: moreShadowed };
    return { server: answer.server, ...common, json };
  };
  return move(server, { send, hides: 'It will hide' }, { flags, io });
}

/** `switchboard demote`: makes a shared server a PRIVATE one. Shows first what it uncovers. */
export async function demote(
  connection: Connection,
  key: string,
  { flags, io }: Surroundings,
): Promise<number> {
  const { client, tenant, metadata } = connection;
  const owner = (flags['owner'] as string | undefined) ?? '';
  if (owner === '') throw new UsageError('--owner is required: the new owner');
  const server = await getById(connection, await findId(connection, key, { flags }));
  const send = async (more: Sending): Promise<Moved> => {
    const request = DemoteServerRequest.fromPartial({
      tenant,
      id: server.id,
      etag: server.etag,
      owner,
      ...more,
      subjects: (flags['grant'] as string[] | undefined) ?? [],
      name: (flags['name'] as string | undefined) ?? '',
      reason: reasonOf(flags),
    });
    const answer = await callUnary(client.demoteServer.bind(client), request, { metadata });
    const json = answerLine('DemoteServerResponse', answer);
    const { uncovered, moreUncovered } = answer;
    const common = { namesakes: uncovered, more: moreUncovered };
    return { server: answer.server, ...common, json };
  };
  return move(server, { send, hides: 'It will no longer hide' }, { flags, io });
}

/** Shows a plan, asks, and does exactly that: a server that was changed meanwhile is refused. */
async function move(
  before: ServerMessage,
  { send, hides }: { readonly send: (more: Sending) => Promise<Moved>; readonly hides: string },
  { flags, io }: Surroundings,
): Promise<number> {
  const json = flags['json'] === true;
  const plan = await send({ validateOnly: true, requestId: '' });
  if (!json) io.out(planText(before, plan, hides));
  if (flags['dryRun'] === true) {
    if (json) io.out(plan.json);
    return EXIT_CODES.ok;
  }
  if (!(await confirmed(io, `Move ${printable(before.name)}?`, flags))) {
    io.err('Nothing was changed.\n');
    return EXIT_CODES.failed;
  }
  const requestId = randomUUID();
  const done = await repeatWrite(() => send({ validateOnly: false, requestId }), {
    signal: io.signal,
  });
  if (json) io.out(done.json);
  else if (done.server !== undefined)
    io.out(printable(`Done: ${nameAndTier(done.server)}, with the id ${done.server.id}.`) + '\n');
  return EXIT_CODES.ok;
}

function planText(
  before: ServerMessage,
  { server, namesakes, more }: Moved,
  hides: string,
): string {
  const isCopy = server !== undefined && server.id !== before.id;
  const to = server === undefined ? '' : nameAndTier(server);
  const how = isCopy ? ', as a copy: the original stays in its private source' : '';
  const first = printable(`${nameAndTier(before)} -> ${to}${how}`);
  if (namesakes.length === 0) return `${first}\n`;
  const rows = namesakes.map(({ id, owner }) => [id, `PRIVATE of ${owner}`].map(printable));
  const rest = more ? '  and more\n' : '';
  return `${first}\n${hides}:\n${indented(table(rows))}\n${rest}`;
}

function nameAndTier(server: ServerMessage): string {
  return `${server.name} (${tierAndOwner(server)})`;
}

function tierFlag(flags: Flags): 'APP' | 'USER' {
  const tier = ((flags['tier'] as string | undefined) ?? '').toUpperCase();
  if (tier !== 'APP' && tier !== 'USER') throw new UsageError('--tier: app or user');
  return tier;
}
