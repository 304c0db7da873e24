import { jsonOnce } from '../../../domain/json-once.js';
import type { LoadRecord } from '../../../domain/load-record.js';
import {
  projectCommits,
  type ProjectedAnswer,
  type ProjectedServer,
} from '../../../domain/projection/project-commit.js';
import type { Grant } from '../../../domain/server.js';
import type { EncodedBatch } from './document.js';
import { keyOf } from './keys.js';
import { encodeHead } from './log.js';
import { readGrants } from './servers.js';
import type { LmdbStore } from './store.js';
import type { Table } from './table.js';

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
  const plan: Plan = { store, tenant, writes };
  const heldGrants = (id: string): readonly Grant[] => readGrants(store, tenant, id);
  for (const projected of projectCommits(encoded.batch.commits, heldGrants)) {
    for (const server of projected.servers) planServer(plan, server);
    for (const load of projected.loads) planLoad(plan, load);
    if (projected.source !== undefined) {
      const value = JSON.stringify(projected.source);
      writes.push({ table: store.sources, key: keyOf(tenant), value });
    }
    if (projected.answer !== undefined) planAnswer(plan, projected.answer);
  }
  return writes;
}

function planServer({ store, tenant, writes }: Plan, server: ProjectedServer): void {
  const { id, record, tombstone, version, accessStep } = server;
  const value = record && jsonOnce(record);
  writes.push({ table: store.servers, key: keyOf(tenant, id), ...(value && { value }) });
  for (const subject of server.revoked) {
    writes.push({ table: store.grants, key: keyOf(tenant, id, subject) });
  }
  for (const grant of server.granted) {
    const key = keyOf(tenant, id, grant.subject);
    writes.push({ table: store.grants, key, value: JSON.stringify(grant) });
  }
  for (const { kind, value: entry } of server.removed) {
    writes.push({ table: store.index, key: keyOf(tenant, kind, entry, id) });
  }
  for (const { kind, value: entry } of server.added) {
    writes.push({ table: store.index, key: keyOf(tenant, kind, entry, id), value: id });
  }
  if (tombstone !== undefined) {
    const { name, revision } = tombstone;
    const text = JSON.stringify(tombstone);
    writes.push({ table: store.tombstones, key: keyOf(tenant, id), value: text });
    writes.push({ table: store.deleted, key: keyOf(tenant, name, revision, id), value: id });
  }
  if (version !== undefined) {
    const key = keyOf(tenant, id, version.generation);
    writes.push({ table: store.versions, key, value: JSON.stringify(version) });
  }
  if (accessStep !== undefined) {
    const key = keyOf(tenant, id, accessStep.revision);
    writes.push({ table: store.accessSteps, key, value: JSON.stringify(accessStep) });
  }
}

function planLoad({ store, tenant, writes }: Plan, load: LoadRecord): void {
  const key = keyOf(tenant, load.user);
  writes.push({ table: store.loads, key, value: JSON.stringify(load) });
}

function planAnswer({ store, tenant, writes }: Plan, answer: ProjectedAnswer): void {
  const { principal, requestId, recorded } = answer;
  const { revision, time } = recorded;
  writes.push({
    table: store.answers,
    key: keyOf(tenant, principal, requestId),
    value: JSON.stringify(recorded),
  });
  const row: AnswerTimeRow = { principal, requestId, revision };
  writes.push({
    table: store.answerTimes,
    key: keyOf(tenant, time, revision),
    value: JSON.stringify(row),
  });
}
