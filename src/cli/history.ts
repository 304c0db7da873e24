import type { RegistryClient } from '../wire/client/registry-client.js';
import type { ReportedAccess, ReportedVersion, ServerHistory } from '../wire/client/versions.js';
import type { Flags } from './connection.js';
import { findId } from './find-server.js';
import { jsonLine, localTime, printable, table } from './text.js';

const COLUMNS = ['GENERATION', 'WHEN', 'WHO', 'CAUSE', 'CHANGED', 'REASON'] as const;
/** So many changed fields or subjects are named in a row. */
const NAMED = 3;

/**
 * `switchboard history`: every version of a server and every change of access to it, the newest
 * first, also of a deleted one.
 */
export async function history(client: RegistryClient, key: string, flags: Flags): Promise<string> {
  const id = await findId(client, key, { flags, deletedToo: true });
  const answer = await client.listServerVersions(id);
  return flags['json'] === true ? jsonLine(answer) : historyText(answer);
}

/** A row for each version and each change of access, in the order of their commits. */
export function historyText({ versions, accessChanges }: ServerHistory): string {
  const entries = [
    ...versions.map((version) => ({
      entry: version,
      generation: String(version.generation),
      changed: changedFields(version),
    })),
    ...accessChanges.map((access) => ({
      entry: access,
      generation: '',
      changed: changedSubjects(access),
    })),
  ];
  // Of one commit, the version comes first: sorting keeps their order.
  const rows = entries
    .sort((a, b) => b.entry.revision - a.entry.revision)
    .map(({ entry, generation, changed }) =>
      [generation, localTime(entry.time), entry.actor, causeWord(entry), changed, entry.reason].map(
        printable,
      ),
    );
  return table([COLUMNS, ...rows]);
}

function changedSubjects({ granted, revoked }: ReportedAccess): string {
  const all = [
    ...granted.map((subject) => `+${subject}`),
    ...revoked.map((subject) => `-${subject}`),
  ];
  return brief(all);
}

/** Where even the name is new, all is. */
function changedFields({ changes }: ReportedVersion): string {
  if (changes.some(({ path, before }) => path === 'name' && before === '')) return '';
  return brief(changes.map(({ path }) => path));
}

function brief(texts: readonly string[]): string {
  const named = texts.slice(0, NAMED);
  const more = texts.length - named.length;
  return [...named, ...(more > 0 ? [`${String(more)} more`] : [])].join(', ');
}

/** What made a version, in a word; empty for a cause that is newer than this command. */
export function causeWord({ cause }: Pick<ReportedVersion, 'cause'>): string {
  return cause?.toLowerCase() ?? '';
}
