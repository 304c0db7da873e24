import { applyChange, changedId, type Change, type Commit } from '../commit.js';
import { declarationOf } from '../commands/decide.js';
import {
  isShared,
  type AccessStep,
  type Grant,
  type ServerRecord,
  type ServerVersion,
  type StoredServer,
} from '../server.js';
import type { Subject } from '../view.js';

/**
 * One entry by which a server is found other than by its id. `owner` and `grant` exist
 * for PRIVATE servers only; they are two kinds because a subject that is both loses
 * sight only when both are gone. `value` is the name, the set, the namespace of the
 * private source, or the subject; empty with `shared`.
 */
export interface IndexEntry {
  readonly kind: 'shared' | 'name' | 'set' | 'private-source' | 'owner' | 'grant';
  readonly value: string;
}

/** What one change does to the stored projections of its server. */
export interface ProjectedChange {
  readonly id: string;
  /** The record as it is now; undefined leaves a tombstone. */
  readonly record: ServerRecord | undefined;
  /** Removed first, then `granted` is stored. */
  readonly revoked: readonly Subject[];
  readonly granted: readonly Grant[];
  readonly removed: readonly IndexEntry[];
  readonly added: readonly IndexEntry[];
}

/** All entries of a server. */
export function indexEntriesOf(server: StoredServer): readonly IndexEntry[] {
  const { record, grants } = server;
  const entries: IndexEntry[] = [{ kind: 'name', value: record.name }];
  if (record.set !== '') entries.push({ kind: 'set', value: record.set });
  const { privateSource } = record;
  if (privateSource !== undefined) entries.push({ kind: 'private-source', value: privateSource });
  if (isShared(record)) return [...entries, { kind: 'shared', value: '' }];
  if (record.owner !== undefined) entries.push({ kind: 'owner', value: `user:${record.owner}` });
  for (const grant of grants) entries.push({ kind: 'grant', value: grant.subject });
  return entries;
}

/**
 * What `change` does to the projections. `heldGrants` answers the grants before it; it is
 * asked only where all of them matter: when the server goes away or moves between
 * PRIVATE and shared. Any other change costs what it names, however many grants there are.
 */
export function projectChange(change: Change, heldGrants: () => readonly Grant[]): ProjectedChange {
  const { before, after } = change;
  const [old, now] = grantsThatMatter(change, heldGrants);
  const oldEntries = before === undefined ? [] : indexEntriesOf({ record: before, grants: old });
  const newEntries = after === undefined ? [] : indexEntriesOf({ record: after, grants: now });
  return {
    id: changedId(change),
    record: after,
    revoked: (after === undefined ? old : (change.access?.revoked ?? [])).map((g) => g.subject),
    granted: after === undefined ? [] : (change.access?.granted ?? []),
    removed: entriesWithout(oldEntries, newEntries),
    added: entriesWithout(newEntries, oldEntries),
  };
}

/**
 * The version that `change` makes, as part of `commit`; undefined if it moves nothing that
 * people declare.
 */
export function versionOf(
  commit: Commit,
  { before, after, access }: Change,
): ServerVersion | undefined {
  if (before?.etag === after?.etag) return undefined;
  const { cause, actor, reason, time, revision } = commit;
  const { createTime = 0, lastUpdatedAt = 0, generation = 0 } = after ?? before ?? {};
  const when = { cause, actor, reason, time, revision, createTime, lastUpdatedAt };
  if (after === undefined) {
    return { ...when, generation: generation + 1, etag: '', grants: access?.revoked ?? [] };
  }
  // Spelled out for the sake of its JSON, see `declarationOf`.
  return {
    cause,
    actor,
    reason,
    time,
    revision,
    createTime,
    lastUpdatedAt,
    generation,
    declared: declarationOf(after),
    etag: after.etag,
    grants: [],
  };
}

/** The change of access that `change` makes, as part of `commit`; undefined if it makes none. */
export function accessStepOf(commit: Commit, { access }: Change): AccessStep | undefined {
  const { granted = [], revoked = [] } = access ?? {};
  if (granted.length + revoked.length === 0) return undefined;
  const { revision, cause, actor, reason, time } = commit;
  const subjectsOf = (grants: readonly Grant[]): Subject[] => grants.map((g) => g.subject).sort();
  const who = { granted: subjectsOf(granted), revoked: subjectsOf(revoked) };
  return { revision, cause, actor, reason, time, ...who };
}

/** The grants before and after, less those that are on both sides and so cancel out. */
function grantsThatMatter(
  change: Change,
  heldGrants: () => readonly Grant[],
): readonly [readonly Grant[], readonly Grant[]] {
  const { before, after, access } = change;
  if (before === undefined) return [[], access?.granted ?? []];
  if (after !== undefined && isShared(before) === isShared(after)) {
    return [access?.revoked ?? [], access?.granted ?? []];
  }
  const held = heldGrants();
  return [held, applyChange({ record: before, grants: held }, change)?.grants ?? []];
}

function entriesWithout(
  entries: readonly IndexEntry[],
  others: readonly IndexEntry[],
): readonly IndexEntry[] {
  if (others.length === 0) return entries;
  const known = new Set(others.map(entryKey));
  return entries.filter((entry) => !known.has(entryKey(entry)));
}

function entryKey(entry: IndexEntry): string {
  return `${entry.kind} ${entry.value}`;
}
