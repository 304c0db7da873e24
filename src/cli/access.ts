import { randomUUID } from 'node:crypto';
import type { RegistryClient } from '../wire/client/registry-client.js';
import type { Flags } from './connection.js';
import { EXIT_CODES } from './failure.js';
import { findId, getById } from './find-server.js';
import { confirmed, confirmedLoss, type Surroundings } from './io.js';
import { reasonOf } from './reason.js';
import { repeatWrite } from './repeat.js';
import { tierAndOwner } from './server-text.js';
import { counted, jsonLine, printable, table } from './text.js';

/** `switchboard access list`: who has access to a server beside its owner. */
export async function accessList(
  client: RegistryClient,
  key: string,
  flags: Flags,
): Promise<string> {
  const answer = await client.listGrants(await findId(client, key, { flags }));
  if (flags['json'] === true) return jsonLine(answer);
  const { server, grants } = answer;
  const what = `${server.name} (${tierAndOwner(server)})`;
  if (grants.length === 0) return printable(`${what} has no grants.`) + '\n';
  const rows = grants.map(({ subject, revision }) => [printable(subject), String(revision)]);
  return table([['SUBJECT', 'REVISION'], ...rows]);
}

/** `switchboard access set`: exactly these and the owner. Shows first who gains and who loses. */
export async function accessSet(
  client: RegistryClient,
  { key, subjects }: { readonly key: string; readonly subjects: readonly string[] },
  { flags, io }: Surroundings,
): Promise<number> {
  const server = await getById(client, await findId(client, key, { flags }));
  const { id, accessEtag } = server;
  const write = { id, accessEtag, subjects, reason: reasonOf(flags) };

  const plan = await client.setAccess({ ...write, requestId: '', validateOnly: true });
  const json = flags['json'] === true;
  const isIdle = plan.added.length + plan.removed.length === 0;
  if (!json) io.out(isIdle ? 'Nothing to change.\n' : changeText(server.name, plan));
  if (isIdle || flags['dryRun'] === true) {
    if (json) io.out(jsonLine(plan));
    return EXIT_CODES.ok;
  }
  const ask = plan.removed.length > 0 ? confirmedLoss : confirmed;
  if (!(await ask(io, `Change who has access to ${printable(server.name)}?`, flags))) {
    io.err('Nothing was changed.\n');
    return EXIT_CODES.failed;
  }
  const final = { ...write, requestId: randomUUID(), validateOnly: false };
  const answer = await repeatWrite(() => client.setAccess(final), { signal: io.signal });
  const { added, removed } = answer;
  io.out(
    json
      ? jsonLine(answer)
      : `Set: ${String(added.length)} added, ${String(removed.length)} removed.\n`,
  );
  return EXIT_CODES.ok;
}

/** What `access grant` and `access revoke` are about. */
interface Subjects {
  readonly key: string;
  readonly subjects: readonly string[];
}

/** `switchboard access grant`: these beside the others. */
export async function accessGrant(
  client: RegistryClient,
  { key, subjects }: Subjects,
  { flags, io }: Surroundings,
): Promise<number> {
  const dryRun = flags['dryRun'] === true;
  const write = {
    id: await findId(client, key, { flags }),
    subjects,
    reason: reasonOf(flags),
    requestId: randomUUID(),
    validateOnly: dryRun,
  };
  const answer = await repeatWrite(() => client.grantAccess(write), { signal: io.signal });
  io.out(flags['json'] === true ? jsonLine(answer) : outcomeText('grant', answer.added, dryRun));
  return EXIT_CODES.ok;
}

/** `switchboard access revoke`: these no longer. Shows first who loses access. */
export async function accessRevoke(
  client: RegistryClient,
  { key, subjects }: Subjects,
  { flags, io }: Surroundings,
): Promise<number> {
  const json = flags['json'] === true;
  const dryRun = flags['dryRun'] === true;
  const id = await findId(client, key, { flags });
  const write = { id, subjects, reason: reasonOf(flags) };

  const plan = await client.revokeAccess({ ...write, requestId: '', validateOnly: true });
  if (dryRun || plan.removed.length === 0) {
    io.out(json ? jsonLine(plan) : outcomeText('revoke', plan.removed, dryRun));
    return EXIT_CODES.ok;
  }
  if (!(await confirmedLoss(io, outcomeText('revoke', plan.removed, true) + 'Revoke?', flags))) {
    io.err('Nothing was changed.\n');
    return EXIT_CODES.failed;
  }
  const final = { ...write, requestId: randomUUID(), validateOnly: false };
  const answer = await repeatWrite(() => client.revokeAccess(final), { signal: io.signal });
  io.out(json ? jsonLine(answer) : outcomeText('revoke', answer.removed, false));
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

function changeText(
  name: string,
  { added, removed }: { readonly added: readonly string[]; readonly removed: readonly string[] },
): string {
  const lines = [
    ...added.map((subject) => `  + ${printable(subject)}\n`),
    ...removed.map((subject) => `  - ${printable(subject)}\n`),
  ];
  return `${printable(name)}\n${lines.join('')}`;
}
