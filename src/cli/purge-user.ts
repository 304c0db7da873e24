import { randomUUID } from 'node:crypto';
import type { RegistryClient } from '../wire/client/registry-client.js';
import { EXIT_CODES } from './failure.js';
import { confirmedLoss, type Surroundings } from './io.js';
import { reasonOf } from './reason.js';
import { repeatWrite } from './repeat.js';
import { counted, jsonLine, printable } from './text.js';

/** How much a purge takes away. */
interface Purged {
  readonly deletedCount: number;
  readonly revokedCount: number;
}

/**
 * `switchboard purge-user`: takes away all that a departed user had. Shows first how much
 * that is. What the user gets in between is taken as well. Answers the exit code.
 */
export async function purgeUser(
  client: RegistryClient,
  user: string,
  { flags, io }: Surroundings,
): Promise<number> {
  const json = flags['json'] === true;
  const write = { user, reason: reasonOf(flags) };

  const plan = await client.purgeUser({ ...write, requestId: '', validateOnly: true });
  if (!json) io.out(planText(user, plan));
  if (flags['dryRun'] === true) {
    if (json) io.out(jsonLine(plan));
    return EXIT_CODES.ok;
  }
  if (!(await confirmedLoss(io, `Purge ${printable(user)}?`, flags))) {
    io.err('Nothing was changed.\n');
    return EXIT_CODES.failed;
  }
  const final = { ...write, requestId: randomUUID(), validateOnly: false };
  const done = await repeatWrite(() => client.purgeUser(final), { signal: io.signal });
  io.out(json ? jsonLine(done) : doneText(done));
  return EXIT_CODES.ok;
}

function planText(user: string, { deletedCount, revokedCount }: Purged): string {
  const lines = [
    `  ${counted(deletedCount, 'server')} of the user will be deleted`,
    `  access to ${counted(revokedCount, 'server')} of others will be revoked`,
    `  nothing will be loaded until \`switchboard load ${user} --force\``,
  ];
  return `${printable(user)}\n${lines.map((line) => `${printable(line)}\n`).join('')}`;
}

function doneText({ deletedCount, revokedCount }: Purged): string {
  const deleted = `${counted(deletedCount, 'server')} deleted`;
  return `Purged: ${deleted}, access to ${counted(revokedCount, 'server')} revoked.\n`;
}
