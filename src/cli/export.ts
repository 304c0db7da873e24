import { SwitchboardError } from '../domain/errors.js';
import type { ReportedServer } from '../domain/server.js';
import { INVENTORY_VIEW } from '../domain/view.js';
import type { Format } from '../formats/format.js';
import { readServers } from '../formats/read-servers.js';
import { writeServers } from '../formats/write-servers.js';
import type { RegistryClient } from '../wire/client/registry-client.js';
import { formatOf } from './apply/options.js';
import type { Flags } from './connection.js';
import { EXIT_CODES, UsageError } from './failure.js';
import type { Io } from './io.js';
import { counted, printable, withoutUserinfo } from './text.js';
import { viewOf } from './view.js';

/**
 * `switchboard export`: prints servers as a config file. What the format cannot say is told
 * on standard error. Answers the exit code: `failed` if a server had to be left out.
 */
export async function exportServers(
  client: RegistryClient,
  names: readonly string[],
  { flags, io }: { readonly flags: Flags; readonly io: Pick<Io, 'out' | 'err'> },
): Promise<number> {
  const format = formatOf(flags) ?? 'switchboard';
  const notation = flags['json'] === true ? 'json' : 'yaml';
  if (notation === 'json' && format !== 'switchboard') {
    throw new UsageError(`--json applies to our own format only, not to ${format}`);
  }
  const all = await client.listServers(viewOf(flags, INVENTORY_VIEW));
  const servers = chosen(all.servers, names, flags['set'] as string | undefined);
  if (format === 'server-json' && servers.length !== 1) {
    throw new UsageError(
      `a server.json describes one server, but ${counted(servers.length, 'server')} are selected: name one`,
    );
  }
  const { text, losses } = writeServers(servers, format, {
    notation,
    namespace: flags['namespace'] as string | undefined,
    includePrivate: flags['includePrivate'] === true,
  });
  const shown = withoutUserinfo(text);
  io.out(shown);
  if (shown !== text) {
    io.err(
      'credentials in URLs are replaced by ***: put them into headers, or back, before you apply it\n',
    );
  }
  for (const { server = '', field, reason } of losses) {
    io.err(`${printable(`${server}: ${field}: ${reason}`)}\n`);
  }
  const missing = servers.length - writtenCount(text, format);
  if (missing === 0) return EXIT_CODES.ok;
  io.err(
    `${counted(missing, 'server')} of ${String(servers.length)} cannot be represented in this format\n`,
  );
  return EXIT_CODES.failed;
}

/** The servers of the names, of the set, or all. Throws SERVER_NOT_FOUND for a name without any. */
function chosen(
  servers: readonly ReportedServer[],
  names: readonly string[],
  set: string | undefined,
): readonly ReportedServer[] {
  const ofSet = servers.filter((server) => set === undefined || server.set === set);
  if (set !== undefined && ofSet.length === 0) {
    throw new SwitchboardError('SERVER_NOT_FOUND', `no server belongs to the set ${set}`);
  }
  if (names.length === 0) return ofSet;
  for (const name of names) {
    if (!ofSet.some((server) => server.name === name)) {
      throw new SwitchboardError(
        'SERVER_NOT_FOUND',
        `no server of this choice has the name ${name}`,
      );
    }
  }
  return ofSet.filter(({ name }) => names.includes(name));
}

/** How many servers a reader of the file finds. */
function writtenCount(text: string, format: Format): number {
  return readServers(text, { format }).servers.length;
}
