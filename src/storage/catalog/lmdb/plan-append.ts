import { applyChange, changedId, type Change, type Commit } from '../../../domain/commit.js';
import { jsonOnce } from '../../../domain/json-once.js';
import {
  projectChange,
  versionOf,
  type IndexEntry,
} from '../../../domain/projection/project-change.js';
import type { Grant, Tombstone } from '../../../domain/server.js';
import type { RecordedAnswer } from '../../catalog.js';
import type { EncodedBatch } from './document.js';
import { keyOf } from './keys.js';
import { encodeHead } from './log.js';
import { readGrants } from './servers.js';
import type { LmdbStore, Table } from './store.js';

/** One write; without a value the key is removed. */
export interface TableWrite {
  readonly table: Table;
  readonly key: Buffer;
  readonly value?: string | Buffer;
  /** For tables with versions. */
  readonly version?: number;
}

/** What `answerTimes` holds: enough to find the answer, and to see whether it is still that one. */
export interface AnswerTimeRow {
  readonly principal: string;
  readonly requestId: string;
  readonly revision: number;
}

interface Plan {
  readonly store: LmdbStore;
  readonly tenant: string;
  readonly writes: TableWrite[];
  /** What the batch has done so far, for grants that are not yet stored. */
  readonly done: Change[];
}

/**
 * All writes of a batch, in order: its log document, the new head and the projections.
 * It reads the store as it is at `batch.after`; the caller sees to it that the writes
 * take effect only if the log still ends there.
 */
export function planAppend(
  store: LmdbStore,
  tenant: string,
  encoded: EncodedBatch,
): readonly TableWrite[] {
  const { header, last, bytes } = encoded;
  const writes: TableWrite[] = [
    { table: store.log, key: keyOf(tenant, last.epoch, header.first), value: bytes },
    {
      table: store.heads,
      key: keyOf(tenant),
      value: encodeHead(tenant, last),
      version: last.revision,
    },
  ];
  const plan: Plan = { store, tenant, writes, done: [] };
  for (const commit of encoded.batch.commits) planCommit(plan, commit);
  return writes;
}

function planCommit(plan: Plan, commit: Commit): void {
  for (const change of commit.changes) {
    planChange(plan, change, commit.revision);
    planVersion(plan, change, commit);
    plan.done.push(change);
  }
  for (const { after } of commit.loads ?? []) {
    const key = keyOf(plan.tenant, after.user);
    plan.writes.push({ table: plan.store.loads, key, value: JSON.stringify(after) });
  }
  if (commit.source !== undefined) {
    const value = JSON.stringify(commit.source.after);
    plan.writes.push({ table: plan.store.sources, key: keyOf(plan.tenant), value });
  }
  if (commit.request !== undefined) planAnswer(plan, commit);
}

function planChange(plan: Plan, change: Change, revision: number): void {
  const { store, tenant, writes } = plan;
  const projected = projectChange(change, () => heldGrants(plan, changedId(change)));
  const { id, record } = projected;
  const key = keyOf(tenant, id);
  if (record === undefined) {
    writes.push({ table: store.servers, key });
    planTombstone(plan, change, revision);
  } else {
    writes.push({ table: store.servers, key, value: jsonOnce(record) });
  }
  for (const subject of projected.revoked) {
    writes.push({ table: store.grants, key: keyOf(tenant, id, subject) });
  }
  for (const grant of projected.granted) {
    const value = JSON.stringify(grant);
    writes.push({ table: store.grants, key: keyOf(tenant, id, grant.subject), value });
  }
  for (const entry of projected.removed) {
    writes.push({ table: store.index, key: entryKey(tenant, entry, id) });
  }
  for (const entry of projected.added) {
    writes.push({ table: store.index, key: entryKey(tenant, entry, id), value: id });
  }
}

function planTombstone({ store, tenant, writes }: Plan, change: Change, revision: number): void {
  if (change.before === undefined) return;
  const { id, name, tier, owner } = change.before;
  const tombstone: Tombstone = {
    ...{ id, revision, name, tier },
    ...(owner === undefined ? {} : { owner }),
  };
  const value = JSON.stringify(tombstone);
  writes.push({ table: store.tombstones, key: keyOf(tenant, id), value });
  writes.push({ table: store.deleted, key: keyOf(tenant, name, revision, id), value: id });
}

function planVersion({ store, tenant, writes }: Plan, change: Change, commit: Commit): void {
  const version = versionOf(commit, change);
  if (version === undefined) return;
  const key = keyOf(tenant, changedId(change), version.generation);
  writes.push({ table: store.versions, key, value: JSON.stringify(version) });
}

function planAnswer(plan: Plan, commit: Commit): void {
  const { store, tenant, writes } = plan;
  const { request, revision, time } = commit;
  if (request === undefined) return;
  const { principal, requestId, bodyDigest } = request;
  const answer: RecordedAnswer = { revision, bodyDigest, time };
  const entry: AnswerTimeRow = { principal, requestId, revision };
  writes.push({
    table: store.answers,
    key: keyOf(tenant, principal, requestId),
    value: JSON.stringify(answer),
  });
  writes.push({
    table: store.answerTimes,
    key: keyOf(tenant, time, revision),
    value: JSON.stringify(entry),
  });
}

/** The grants of a server after what the batch has done to it so far. */
function heldGrants(plan: Plan, id: string): readonly Grant[] {
  let grants = readGrants(plan.store, plan.tenant, id);
  for (const change of plan.done) {
    if (changedId(change) !== id) continue;
    const server = change.before && { record: change.before, grants };
    grants = applyChange(server, change)?.grants ?? [];
  }
  return grants;
}

function entryKey(tenant: string, entry: IndexEntry, id: string): Buffer {
  return keyOf(tenant, entry.kind, entry.value, id);
}
