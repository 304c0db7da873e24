import type { RegistryClient } from '../wire/client/registry-client.js';
import type { ReportedVersion } from '../wire/client/versions.js';
import type { Flags } from './connection.js';
import { findId } from './find-server.js';
import { jsonLine, localTime, printable, table } from './text.js';

const COLUMNS = ['GENERATION', 'WHEN', 'WHO', 'CAUSE', 'CHANGED', 'REASON'] as const;
/** So many changed fields are named in a row. */
const NAMED_FIELDS = 3;

/** `switchboard history`: every version of a server, the newest first, also of a deleted one. */
export async function history(client: RegistryClient, key: string, flags: Flags): Promise<string> {
  const id = await findId(client, key, { flags, deletedToo: true });
  const answer = await client.listServerVersions(id);
  return flags['json'] === true ? jsonLine(answer) : historyText(answer.versions);
}

/** A row for each version. */
export function historyText(versions: readonly ReportedVersion[]): string {
  const rows = versions.map((version) =>
    [
      String(version.generation),
      localTime(version.time),
      version.actor,
      causeWord(version),
      changedFields(version),
      version.reason,
    ].map(printable),
  );
  return table([COLUMNS, ...rows]);
}

/** Where even the name is new, all is. */
function changedFields({ changes }: ReportedVersion): string {
  if (changes.some(({ path, before }) => path === 'name' && before === '')) return '';
  const named = changes.slice(0, NAMED_FIELDS).map(({ path }) => path);
  const more = changes.length - named.length;
  return [...named, ...(more > 0 ? [`${String(more)} more`] : [])].join(', ');
}

/** What made a version, in a word; empty for a cause that is newer than this command. */
export function causeWord({ cause }: Pick<ReportedVersion, 'cause'>): string {
  return cause?.toLowerCase() ?? '';
}
