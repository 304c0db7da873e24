import { randomUUID } from 'node:crypto';
import type { LoadStatus } from '../domain/load-record.js';
import type { RegistryClient } from '../wire/client/registry-client.js';
import type { Flags } from './connection.js';
import { EXIT_CODES } from './failure.js';
import type { Surroundings } from './io.js';
import { loadText } from './load-text.js';
import { reasonOf } from './reason.js';
import { repeatWrite } from './repeat.js';
import { jsonLine, printable } from './text.js';

/** `switchboard load`: loads the private servers of a user, and tells what was found. */
export async function load(client: RegistryClient, user: string, flags: Flags): Promise<string> {
  const answer = await client.loadPrivateServers(user, flags['force'] === true);
  return flags['json'] === true ? jsonLine(answer) : loadText(answer.load);
}

/** `switchboard load-status`: tells how far they are loaded; loads nothing. */
export async function loadStatus(
  client: RegistryClient,
  user: string,
  flags: Flags,
): Promise<string> {
  const answer = await client.getPrivateLoadStatus(user);
  return flags['json'] === true ? jsonLine(answer) : loadText(answer.load);
}

/** `switchboard invalidate`: says that the source has changed for a user. */
export async function invalidate(
  client: RegistryClient,
  user: string,
  { flags, io }: Surroundings,
): Promise<number> {
  const write = { user, reason: reasonOf(flags), requestId: randomUUID() };
  const answer = await repeatWrite(() => client.invalidateUser(write), { signal: io.signal });
  io.out(
    flags['json'] === true ? jsonLine(answer) : `${printable(invalidatedText(answer.load))}\n`,
  );
  return EXIT_CODES.ok;
}

function invalidatedText({ user, source, state }: LoadStatus): string {
  if (source === '') return 'Nothing to invalidate: the tenant has no private source.';
  if (state === 'purged')
    return `${user} is purged: nothing is loaded until \`switchboard load ${user} --force\`.`;
  return `Invalidated: the next read for ${user} reloads from ${source}.`;
}
