import type { Commit, Position } from '../../../domain/commit.js';
import { digestText } from '../../../domain/digest.js';
import type { LogSlice } from '../../catalog.js';
import { decodeCommits, decodeHeader, type DocumentHeader } from './document.js';
import { keyOf, keysUnder } from './keys.js';
import type { LmdbStore } from './store.js';

/** What `heads` holds for a tenant that has commits. */
export interface HeadRow extends Position {
  readonly tenant: string;
}

interface MarkRow {
  readonly mark: number;
}

/** Identity of the tenant's log: the same at every reading, also before anything is written. */
export function epochOf(store: LmdbStore, tenant: string): string {
  return digestText('epoch', store.incarnation, tenant);
}

/** Where the tenant's log ends. */
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
  for (const { value } of store.heads.getRange()) {
    tenants.push((JSON.parse(value) as HeadRow).tenant);
  }
  return tenants;
}

/** The compaction mark; 0 for none. */
export function readMark(store: LmdbStore, tenant: string): number {
  const text = store.marks.get(keyOf(tenant));
  return text === undefined ? 0 : (JSON.parse(text) as MarkRow).mark;
}

export function encodeMark(mark: number): string {
  return JSON.stringify({ mark } satisfies MarkRow);
}

/** The header of the document whose first commit has this revision. */
export function documentAt(
  store: LmdbStore,
  tenant: string,
  first: number,
): DocumentHeader | undefined {
  const text = store.log.get(keyOf(tenant, epochOf(store, tenant), first));
  return text === undefined ? undefined : decodeHeader(text);
}

/** The texts of the documents from the one that holds `revision` on, in order. */
export function* documentsFrom(
  store: LmdbStore,
  tenant: string,
  revision: number,
): Iterable<string> {
  const epoch = epochOf(store, tenant);
  const { start, end } = keysUnder(tenant, epoch);
  const holder = { start: keyOf(tenant, epoch, revision), end: start, reverse: true, limit: 1 };
  let first = revision;
  for (const { value } of store.log.getRange(holder)) {
    const header = decodeHeader(value);
    if (header.last >= revision) first = header.first;
  }
  for (const { value } of store.log.getRange({ start: keyOf(tenant, epoch, first), end })) {
    yield value;
  }
}

/** Commits after `after`: at least one if there is any, then about `limitBytes`. */
export function readSlice(
  store: LmdbStore,
  tenant: string,
  range: { readonly after: number; readonly limitBytes: number },
): LogSlice {
  const head = readHead(store, tenant);
  const mark = readMark(store, tenant);
  const commits: Commit[] = [];
  if (range.after < mark || range.after >= head.revision) return { commits, head, mark };
  let budget = range.limitBytes;
  for (const text of documentsFrom(store, tenant, range.after + 1)) {
    const all = decodeCommits(text);
    const share = text.length / Math.max(1, all.length);
    for (const commit of all) {
      if (commit.revision <= range.after) continue;
      budget -= share;
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
  if (revision < readMark(store, tenant) || !Number.isInteger(revision)) return undefined;
  if (revision === 0) return startOf(store, tenant);
  for (const text of documentsFrom(store, tenant, revision)) {
    const header = decodeHeader(text);
    const commit =
      header.last === revision
        ? header
        : decodeCommits(text).find((candidate) => candidate.revision === revision);
    const epoch = epochOf(store, tenant);
    return commit && { epoch, revision, fingerprint: commit.fingerprint };
  }
  return undefined;
}

function startOf(store: LmdbStore, tenant: string): Position {
  return { epoch: epochOf(store, tenant), revision: 0, fingerprint: '' };
}
