import { randomUUID } from 'node:crypto';
import {
  GrantAccessRequest,
  ListGrantsRequest,
  type ListGrantsResponse,
  RevokeAccessRequest,
  SetAccessRequest,
  type SetAccessResponse,
} from '../wire/clients.js';
import { answerLine } from '../wire/json.js';
import type { Connection, Flags } from './connection.js';
import { EXIT_CODES } from './failure.js';
import { findId, getById } from './find-server.js';
import { confirmed, type Surroundings } from './io.js';
import { readRevision } from './pages.js';
import { reasonOf } from './reason.js';
import { repeatWrite } from './repeat.js';
import { tierAndOwner } from './server-text.js';
import { counted, printable, table } from './text.js';
import { callUnary } from './unary.js';

const PAGE_SIZE = 10_000;

/** `switchboard access list`: who has access to a server beside its owner. */
export async function accessList(
  connection: Connection,
  key: string,
  flags: Flags,
): Promise<string> {
  const answer = await allGrants(connection, await findId(connection, key, { flags }));
  if (flags['json'] === true) return answerLine('ListGrantsResponse', answer);
  const { server, grants } = answer;
  const what = server === undefined ? key : `${server.name} (${tierAndOwner(server)})`;
  if (grants.length === 0) return printable(`${what} has no grants.`) + '\n';
  const rows = grants.map(({ subject, revision }) => [printable(subject), String(revision)]);
  return table([['SUBJECT', 'REVISION'], ...rows]);
}

/** `switchboard access set`: exactly these and the owner. Shows first who gains and who loses. */
export async function accessSet(
  connection: Connection,
  { key, subjects }: { readonly key: string; readonly subjects: readonly string[] },
  { flags, io }: Surroundings,
): Promise<number> {
  const { client, tenant, metadata } = connection;
  const server = await getById(connection, await findId(connection, key, { flags }));
  const request = SetAccessRequest.fromPartial({
    tenant,
    id: server.id,
    accessEtag: server.accessEtag,
    subjects: [...subjects],
    reason: reasonOf(flags),
  });
  const send = (what: Partial<SetAccessRequest>): Promise<SetAccessResponse> =>
    callUnary(client.setAccess.bind(client), { ...request, ...what }, { metadata });

  const plan = await send({ validateOnly: true });
  const json = flags['json'] === true;
  const isIdle = plan.added.length + plan.removed.length === 0;
  if (!json) io.out(isIdle ? 'Nothing to change.\n' : changeText(server.name, plan));
  if (isIdle || flags['dryRun'] === true) {
    if (json) io.out(answerLine('SetAccessResponse', plan));
    return EXIT_CODES.ok;
  }
  if (!(await confirmed(io, `Change who has access to ${printable(server.name)}?`, flags))) {
    io.err('Nothing was changed.\n');
    return EXIT_CODES.failed;
  }
  const requestId = randomUUID();
  const answer = await repeatWrite(() => send({ requestId }), { signal: io.signal });
  const { addedCount, removedCount } = answer;
  io.out(
    json
      ? answerLine('SetAccessResponse', answer)
      : `Set: ${String(addedCount)} added, ${String(removedCount)} removed.\n`,
  );
  return EXIT_CODES.ok;
}

/** `switchboard access grant` and `revoke`: these beside the others, or these no longer. */
export async function accessChange(
  connection: Connection,
  change: {
    readonly way: 'grant' | 'revoke';
    readonly key: string;
    readonly subjects: readonly string[];
  },
  { flags, io }: Surroundings,
): Promise<number> {
  const { client, tenant, metadata } = connection;
  const id = await findId(connection, change.key, { flags });
  const dryRun = flags['dryRun'] === true;
  const request = {
    tenant,
    id,
    subjects: [...change.subjects],
    reason: reasonOf(flags),
    requestId: randomUUID(),
    validateOnly: dryRun,
  };
  const send = async (): Promise<{
    readonly subjects: readonly string[];
    readonly json: string;
  }> => {
    if (change.way === 'grant') {
      const full = GrantAccessRequest.fromPartial(request);
      const answer = await callUnary(client.grantAccess.bind(client), full, { metadata });
      return { subjects: answer.added, json: answerLine('GrantAccessResponse', answer) };
    }
    const full = RevokeAccessRequest.fromPartial(request);
    const answer = await callUnary(client.revokeAccess.bind(client), full, { metadata });
    return { subjects: answer.removed, json: answerLine('RevokeAccessResponse', answer) };
  };
  const { subjects, json } = await repeatWrite(send, { signal: io.signal });
  if (flags['json'] === true) io.out(json);
  else io.out(outcomeText(change.way, subjects, dryRun));
  return EXIT_CODES.ok;
}

function outcomeText(
  way: 'grant' | 'revoke',
  subjects: readonly string[],
  dryRun: boolean,
): string {
  const sign = way === 'grant' ? '+' : '-';
  const idle = way === 'grant' ? 'all of them have access' : 'none of them has access';
  if (subjects.length === 0) return `Nothing to change: ${idle}.\n`;
  const would = dryRun ? 'would be ' : '';
  const done = way === 'grant' ? 'granted' : 'revoked';
  const lines = subjects.map((subject) => `  ${sign} ${printable(subject)}\n`);
  return `${counted(subjects.length, 'subject')} ${would}${done}\n${lines.join('')}`;
}

function changeText(name: string, { added, removed }: SetAccessResponse): string {
  const lines = [
    ...added.map((subject) => `  + ${printable(subject)}\n`),
    ...removed.map((subject) => `  - ${printable(subject)}\n`),
  ];
  return `${printable(name)}\n${lines.join('')}`;
}

/** All grants of one revision, as one answer. */
async function allGrants(
  { client, tenant, metadata }: Connection,
  id: string,
): Promise<ListGrantsResponse> {
  const request = ListGrantsRequest.fromPartial({ tenant, id, pageSize: PAGE_SIZE });
  const { pages, last } = await readRevision((pageToken) =>
    callUnary(client.listGrants.bind(client), { ...request, pageToken }, { metadata }),
  );
  return { ...last, grants: pages.flatMap(({ grants }) => grants) };
}
