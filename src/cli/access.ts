import { randomUUID } from 'node:crypto';
import { isSwitchboardError } from '../domain/errors.js';
import {
  GrantAccessRequest,
  ListGrantsRequest,
  type ListGrantsResponse,
  RevokeAccessRequest,
  SetAccessRequest,
  type SetAccessResponse,
} from '../wire/clients.js';
import { answerToJson } from '../wire/json.js';
import type { Connection, Flags } from './connection.js';
import { EXIT_CODES } from './failure.js';
import { findId, getById } from './find-server.js';
import { confirmed, type Io } from './io.js';
import { repeatWrite } from './repeat.js';
import { tierAndOwner } from './server-text.js';
import { counted, printable, table } from './text.js';
import { callUnary } from './unary.js';

interface Surroundings {
  readonly flags: Flags;
  readonly io: Io;
}

const PAGE_SIZE = 10_000;
/** A list that changes while it is read is started again so often. */
const MAX_ATTEMPTS = 5;

/** `switchboard access list`: who has access to a server beside its owner. */
export async function accessList(
  connection: Connection,
  key: string,
  flags: Flags,
): Promise<string> {
  const answer = await allGrants(connection, await findId(connection, key, { flags }));
  if (flags['json'] === true)
    return `${JSON.stringify(answerToJson('ListGrantsResponse', answer))}\n`;
  const { server, grants } = answer;
  const what = server === undefined ? key : `${server.name} (${tierAndOwner(server)})`;
  if (grants.length === 0) return printable(`${what} is granted to nobody.`) + '\n';
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
    ...{ tenant, id: server.id, accessEtag: server.accessEtag, subjects: [...subjects] },
    reason: reasonOf(flags),
  });
  const send = (what: Partial<SetAccessRequest>): Promise<SetAccessResponse> =>
    callUnary(client.setAccess.bind(client), { ...request, ...what }, { metadata });

  const plan = await send({ validateOnly: true });
  const json = flags['json'] === true;
  const isIdle = plan.added.length + plan.removed.length === 0;
  if (!json) io.out(isIdle ? 'Nothing to change.\n' : changeText(server.name, plan));
  if (isIdle || flags['dryRun'] === true) {
    if (json) io.out(jsonLine('SetAccessResponse', plan));
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
      ? jsonLine('SetAccessResponse', answer)
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
    ...{ tenant, id, subjects: [...change.subjects], reason: reasonOf(flags) },
    ...{ requestId: randomUUID(), validateOnly: dryRun },
  };
  const send = async (): Promise<{
    readonly subjects: readonly string[];
    readonly json: string;
  }> => {
    if (change.way === 'grant') {
      const full = GrantAccessRequest.fromPartial(request);
      const answer = await callUnary(client.grantAccess.bind(client), full, { metadata });
      return { subjects: answer.added, json: jsonLine('GrantAccessResponse', answer) };
    }
    const full = RevokeAccessRequest.fromPartial(request);
    const answer = await callUnary(client.revokeAccess.bind(client), full, { metadata });
    return { subjects: answer.removed, json: jsonLine('RevokeAccessResponse', answer) };
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
async function allGrants(connection: Connection, id: string): Promise<ListGrantsResponse> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await readPages(connection, id);
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !isSwitchboardError(error, 'PAGE_EXPIRED')) throw error;
    }
  }
}

async function readPages(
  { client, tenant, metadata }: Connection,
  id: string,
): Promise<ListGrantsResponse> {
  const grants = [];
  let pageToken = '';
  for (;;) {
    const request = ListGrantsRequest.fromPartial({ tenant, id, pageSize: PAGE_SIZE, pageToken });
    const page = await callUnary(client.listGrants.bind(client), request, { metadata });
    grants.push(...page.grants);
    pageToken = page.nextPageToken;
    if (pageToken === '') return { ...page, grants };
  }
}

function reasonOf(flags: Flags): string {
  return (flags['reason'] as string | undefined) ?? '';
}

function jsonLine(...args: Parameters<typeof answerToJson>): string {
  return `${JSON.stringify(answerToJson(...args))}\n`;
}
