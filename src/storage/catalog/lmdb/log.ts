import {
  positionOf,
  samePosition,
  type Position,
  type StoredCommit,
} from '../../../domain/commit.js';
import { digestText } from '../../../domain/digest.js';
import type { HeldPosition, LogNews, LogSlice } from '../../log.js';
import { decodeCommits, decodeHeader, encodedCommits, type DocumentHeader } from './document.js';
import { keyOf, keysUnder } from './keys.js';
import type { LmdbStore } from './store.js';
import type { HeadRow, MarkRow } from './tables.js';

/**
 * Where the tenant's log ends, and of which epoch it is. The epoch is data: it is in the row of
 * the head from the first commit on. Until then it is made of the store and the tenant, so
 * that it is the same at every reading without anything being written.
 */
export function readHead(store: LmdbStore, tenant: string): Position {
  const text = store.heads.get(keyOf(tenant));
  if (text === undefined) return startOf(store, tenant);
  const { epoch, revision, fingerprint } = JSON.parse(text) as HeadRow;
  return { epoch, revision, fingerprint };
}

export function encodeHead(tenant: string, head: Position): string {
  const { epoch, revision, fingerprint } = head;
  return JSON.stringify({ tenant, epoch, revision, fingerprint } satisfies HeadRow);
}

/** The tenants that have commits. */
export function readTenants(store: LmdbStore): readonly string[] {
  const tenants: string[] = [];
  for (const { text } of store.heads.rows()) {
    tenants.push((JSON.parse(text) as HeadRow).tenant);
  }
  return tenants;
}

/** The compaction mark; 0 for none. */
export function readMark(store: LmdbStore, tenant: string): MarkRow {
  const text = store.marks.get(keyOf(tenant));
  return text === undefined ? { mark: 0, emptied: 0 } : (JSON.parse(text) as MarkRow);
}

export function encodeMark({ mark, emptied }: MarkRow): string {
  return JSON.stringify({ mark, emptied } satisfies MarkRow);
}

/** The header of the document whose first commit has this revision. */
export function documentAt(
  store: LmdbStore,
  tenant: string,
  first: number,
): DocumentHeader | undefined {
  const text = store.log.get(keyOf(tenant, readHead(store, tenant).epoch, first));
  return text === undefined ? undefined : decodeHeader(text);
}

/** The texts of the documents from the one that holds `revision` on, in order. */
export function* documentsFrom(
  store: LmdbStore,
  tenant: string,
  { epoch, revision }: Pick<Position, 'epoch' | 'revision'>,
): Iterable<string> {
  const { end } = keysUnder(tenant, epoch);
  const text = documentBefore(store, tenant, { epoch, revision });
  const header = text === undefined ? undefined : decodeHeader(text);
  const first = header !== undefined && header.last >= revision ? header.first : revision;
  for (const { text: document } of store.log.rows({ start: keyOf(tenant, epoch, first), end })) {
    yield document;
  }
}

/** The text of the last document that begins at `revision` or before it. */
export function documentBefore(
  store: LmdbStore,
  tenant: string,
  { epoch, revision }: Pick<Position, 'epoch' | 'revision'>,
): string | undefined {
  const { start } = keysUnder(tenant, epoch);
  const range = { start: keyOf(tenant, epoch, revision), end: start, reverse: true, limit: 1 };
  for (const { text } of store.log.rows(range)) return text;
  return undefined;
}

/** Commits after `after`: at least one if there is any, then about `limitBytes`. */
export function readSlice(
  store: LmdbStore,
  tenant: string,
  range: { readonly after: number; readonly limitBytes: number },
): LogSlice {
  const head = readHead(store, tenant);
  const { mark } = readMark(store, tenant);
  const commits: StoredCommit[] = [];
  if (range.after < mark || range.after >= head.revision) return { commits, head, mark };
  let budget = range.limitBytes;
  const from = { epoch: head.epoch, revision: range.after + 1 };
  for (const text of documentsFrom(store, tenant, from)) {
    for (const commit of decodeCommits(text, range.after)) {
      budget -= commit.body.length;
      if (commits.length > 0 && budget < 0) return { commits, head, mark };
      commits.push(commit);
    }
  }
  return { commits, head, mark };
}

/** The place of a revision that is not below the mark and not beyond the head. */
export function readPosition(
  store: LmdbStore,
  tenant: string,
  revision: number,
): Position | undefined {
  if (revision < readMark(store, tenant).mark || !Number.isInteger(revision)) return undefined;
  const { epoch } = readHead(store, tenant);
  if (revision === 0) return { epoch, revision: 0, fingerprint: '' };
  for (const text of documentsFrom(store, tenant, { epoch, revision })) {
    const { last, fingerprint } = decodeHeader(text);
    if (last === revision) return { epoch, revision, fingerprint };
    for (const commit of encodedCommits(text)) {
      if (commit.revision === revision) return positionOf(epoch, commit);
    }
    return undefined;
  }
  return undefined;
}

/** What became of a log since a position in it. */
export function readNews(store: LmdbStore, { tenant, position }: HeldPosition): LogNews {
  const { epoch, revision } = readHead(store, tenant);
  const now = readPosition(store, tenant, position.revision);
  const isHeld = now !== undefined && samePosition(now, position);
  return { tenant, epoch, isHeld, hasNewer: revision > position.revision };
}

/** Before the first commit, which brings this epoch into the row of the head. */
function startOf(store: LmdbStore, tenant: string): Position {
  return { epoch: digestText('epoch', store.incarnation, tenant), revision: 0, fingerprint: '' };
}
