import { randomUUID } from 'node:crypto';
import type { SourceServers } from '../domain/source-record.js';
import type { RegistryClient } from '../wire/client/registry-client.js';
import type { Flags } from './connection.js';
import { EXIT_CODES, UsageError } from './failure.js';
import { confirmed, confirmedLoss, type Surroundings } from './io.js';
import { reasonOf } from './reason.js';
import { repeatWrite } from './repeat.js';
import { removalText, removedText, renameText, sourceText } from './source-text.js';
import { jsonLine, printable } from './text.js';

/** `switchboard source show`: shows the private source of the tenant. */
export async function showSource(client: RegistryClient, flags: Flags): Promise<string> {
  const answer = await client.getPrivateSource();
  return flags['json'] === true ? jsonLine(answer) : sourceText(answer.source);
}

/** `switchboard source rename`: renames the private source of the tenant. */
export async function renameSource(
  client: RegistryClient,
  { name, newName }: { readonly name: string; readonly newName: string },
  { flags, io }: Surroundings,
): Promise<number> {
  const json = flags['json'] === true;
  const write = { name, newName, reason: reasonOf(flags) };

  const plan = await client.renamePrivateSource({ ...write, requestId: '', validateOnly: true });
  if (!json) io.out(renameText({ name, newName }));
  if (flags['dryRun'] === true) {
    if (json) io.out(jsonLine(plan));
    return EXIT_CODES.ok;
  }
  if (!(await confirmed(io, `Rename ${printable(name)}?`, flags))) {
    io.err('Nothing was changed.\n');
    return EXIT_CODES.failed;
  }
  const final = { ...write, requestId: randomUUID(), validateOnly: false };
  const done = await repeatWrite(() => client.renamePrivateSource(final), { signal: io.signal });
  io.out(json ? jsonLine(done) : 'Renamed.\n');
  return EXIT_CODES.ok;
}

/**
 * `switchboard source remove`: removes the private source of the tenant. First shows how many
 * servers it has. Returns the exit code.
 */
export async function removeSource(
  client: RegistryClient,
  name: string,
  { flags, io }: Surroundings,
): Promise<number> {
  const json = flags['json'] === true;
  const write = { name, servers: serversFlag(flags), reason: reasonOf(flags) };

  const plan = await client.removePrivateSource({ ...write, requestId: '', validateOnly: true });
  if (!json) io.out(removalText(name, write.servers, plan));
  if (flags['dryRun'] === true) {
    if (json) io.out(jsonLine(plan));
    return EXIT_CODES.ok;
  }
  const ask = write.servers === 'drop' ? confirmedLoss : confirmed;
  if (!(await ask(io, `Remove ${printable(name)}?`, flags))) {
    io.err('Nothing was changed.\n');
    return EXIT_CODES.failed;
  }
  const final = { ...write, requestId: randomUUID(), validateOnly: false };
  const done = await repeatWrite(() => client.removePrivateSource(final), { signal: io.signal });
  io.out(json ? jsonLine(done) : removedText(done));
  return EXIT_CODES.ok;
}

function serversFlag({ drop, keep }: Flags): SourceServers {
  if ((drop === true) === (keep === true))
    throw new UsageError('choose what happens to its servers: either --drop or --keep');
  return drop === true ? 'drop' : 'keep';
}
