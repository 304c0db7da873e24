import type { ServerVersion } from '../wire/clients.js';
import { answerLine } from '../wire/json.js';
import type { Connection, Flags } from './connection.js';
import { findId } from './find-server.js';
import { localTime, printable, table } from './text.js';
import { causeWord, readVersions } from './versions.js';

const COLUMNS = ['GENERATION', 'WHEN', 'WHO', 'CAUSE', 'CHANGED', 'REASON'] as const;
/** So many changed fields are named in a row. */
const NAMED_FIELDS = 3;

/** `switchboard history`: every version of a server, the newest first, also of a deleted one. */
export async function history(connection: Connection, key: string, flags: Flags): Promise<string> {
  const id = await findId(connection, key, { flags, deletedToo: true });
  const answer = await readVersions(connection, id);
  if (flags['json'] === true) {
    return answerLine('ListServerVersionsResponse', answer);
  }
  return historyText(answer.versions);
}

/** A row for each version. */
export function historyText(versions: readonly ServerVersion[]): string {
  const rows = versions.map((version) =>
    [
      String(version.generation),
      localTime(version.commitTime),
      version.actor,
      causeWord(version),
      changedFields(version),
      version.reason,
    ].map(printable),
  );
  return table([COLUMNS, ...rows]);
}

/** Where even the name is new, all is. */
function changedFields({ changes }: ServerVersion): string {
  if (changes.some(({ path, before }) => path === 'name' && before === '')) return '';
  const named = changes.slice(0, NAMED_FIELDS).map(({ path }) => path);
  const more = changes.length - named.length;
  return [...named, ...(more > 0 ? [`${String(more)} more`] : [])].join(', ');
}
