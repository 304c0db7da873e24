import {
  firstSteps,
  type AccessStep,
  type AccessStepsQuery,
  type Grant,
  type ServerRecord,
  type ServerVersion,
  type StoredServer,
  type Tombstone,
} from '../../../domain/server.js';
import type { LoadRecord } from '../../../domain/load-record.js';
import type { SourceRecord } from '../../../domain/source-record.js';
import { compareText } from '../../../domain/resolve.js';
import type { Subject } from '../../../domain/view.js';
import { isRemembered, type RecordedAnswer } from '../../../domain/projection/project-commit.js';
import { isTombstone, type PrivateServer, type RequestId } from '../../projections.js';
import { justAfter, keyOf, keysUnder } from './keys.js';
import { readMark } from './log.js';
import type { LmdbStore } from './store.js';
import type { Range, Row, Table } from './table.js';

/** The grants of a server, sorted by subject. */
export function readGrants(store: LmdbStore, tenant: string, id: string): readonly Grant[] {
  return valuesIn(store.grants, keysUnder(tenant, id))
    .map((text) => JSON.parse(text) as Grant)
    .sort((a, b) => compareText(a.subject, b.subject));
}

/** A server that exists, with its grants. */
export function readServer(store: LmdbStore, tenant: string, id: string): StoredServer | undefined {
  const text = store.servers.get(keyOf(tenant, id));
  return text === undefined ? undefined : withGrants(store, tenant, text);
}

/** A server, or what is left of it. */
export function readServerOrTombstone(
  store: LmdbStore,
  tenant: string,
  id: string,
): StoredServer | Tombstone | undefined {
  const server = readServer(store, tenant, id);
  if (server !== undefined) return server;
  const text = store.tombstones.get(keyOf(tenant, id));
  return text === undefined ? undefined : (JSON.parse(text) as Tombstone);
}

/** All APP and USER servers. */
export function readShared(store: LmdbStore, tenant: string): readonly StoredServer[] {
  return readIds(store, tenant, valuesIn(store.index, keysUnder(tenant, 'shared', '')));
}

/** The PRIVATE servers of the subjects, each once, with the grants of these subjects only. */
export function readPrivate(
  store: LmdbStore,
  tenant: string,
  subjects: readonly Subject[],
): readonly PrivateServer[] {
  const granted = new Map<string, Set<Subject>>();
  for (const subject of subjects) {
    for (const id of valuesIn(store.index, keysUnder(tenant, 'owner', subject))) {
      if (!granted.has(id)) granted.set(id, new Set());
    }
    for (const id of valuesIn(store.index, keysUnder(tenant, 'grant', subject))) {
      granted.set(id, (granted.get(id) ?? new Set()).add(subject));
    }
  }
  return [...granted].flatMap(([id, of]) => readPrivateServer(store, tenant, { id, of }) ?? []);
}

function readPrivateServer(
  store: LmdbStore,
  tenant: string,
  { id, of }: { readonly id: string; readonly of: ReadonlySet<Subject> },
): PrivateServer | undefined {
  const text = store.servers.get(keyOf(tenant, id));
  if (text === undefined) return undefined;
  const grants = [...of].sort(compareText).flatMap((subject) => {
    const grant = store.grants.get(keyOf(tenant, id, subject));
    return grant === undefined ? [] : [JSON.parse(grant) as Grant];
  });
  // One more than are known tells whether there are others.
  const range = { ...keysUnder(tenant, id), limit: grants.length + 1 };
  const isPartial = store.grants.count(range) > grants.length;
  return { record: JSON.parse(text) as ServerRecord, grants, isPartial };
}

/** The servers of a name with the smallest ids. */
export function readNamed(
  store: LmdbStore,
  tenant: string,
  { name, limit }: { readonly name: string; readonly limit: number },
): readonly StoredServer[] {
  if (limit <= 0) return [];
  const range = { ...keysUnder(tenant, 'name', name), limit };
  return readIds(store, tenant, valuesIn(store.index, range));
}

/** The servers of a declared set, by id. */
export function readSet(store: LmdbStore, tenant: string, set: string): readonly StoredServer[] {
  return readIds(store, tenant, valuesIn(store.index, keysUnder(tenant, 'set', set)));
}

/** The servers that were loaded from a private source, with the next ids after `afterId`. */
export function readLoaded(
  store: LmdbStore,
  tenant: string,
  query: { readonly namespace: string; readonly afterId: string; readonly limit: number },
): readonly StoredServer[] {
  if (query.limit <= 0) return [];
  const { end } = keysUnder(tenant, 'private-source', query.namespace);
  const start = justAfter(keyOf(tenant, 'private-source', query.namespace, query.afterId));
  return readIds(store, tenant, valuesIn(store.index, { start, end, limit: query.limit }));
}

/** What is left of servers deleted under a name, the newest first. */
export function readDeleted(
  store: LmdbStore,
  tenant: string,
  { name, limit }: { readonly name: string; readonly limit: number },
): readonly Tombstone[] {
  const found: Tombstone[] = [];
  const { start, end } = keysUnder(tenant, name);
  for (const { key, text: id } of store.deleted.rows({ start: end, end: start, reverse: true })) {
    if (found.length >= limit) break;
    const left = readServerOrTombstone(store, tenant, id);
    // One that was put back, and perhaps deleted again, has a newer tombstone or none.
    if (left === undefined || !isTombstone(left)) continue;
    if (keyOf(tenant, name, left.revision, left.id).equals(key)) found.push(left);
  }
  return found;
}

/** Versions of a server before a generation, the newest first. */
export function readVersions(
  store: LmdbStore,
  tenant: string,
  query: { readonly id: string; readonly before?: number; readonly limit: number },
): readonly ServerVersion[] {
  if (query.limit <= 0) return [];
  const { start, end } = keysUnder(tenant, query.id);
  // A reversed range begins with its start itself.
  const from = query.before === undefined ? end : keyOf(tenant, query.id, query.before - 1);
  const range = { start: from, end: start, reverse: true, limit: query.limit };
  return valuesIn(store.versions, range).map((text) => JSON.parse(text) as ServerVersion);
}

/** The changes of access that a query is for; no more of them are read. */
export function readAccessSteps(
  store: LmdbStore,
  tenant: string,
  query: AccessStepsQuery,
): readonly AccessStep[] {
  const { start, end } = keysUnder(tenant, query.id);
  // A reversed range begins with its start itself.
  const from = query.before === undefined ? end : keyOf(tenant, query.id, query.before - 1);
  const rows = store.accessSteps.rows({ start: from, end: start, reverse: true });
  return firstSteps(stepsIn(rows), query);
}

function* stepsIn(rows: Iterable<Row>): Generator<AccessStep> {
  for (const { text } of rows) yield JSON.parse(text) as AccessStep;
}

/** The servers with the next ids after `afterId`. */
export function readInventory(
  store: LmdbStore,
  tenant: string,
  page: { readonly afterId: string; readonly limit: number },
): readonly StoredServer[] {
  if (page.limit <= 0) return [];
  const { end } = keysUnder(tenant);
  const start = justAfter(keyOf(tenant, page.afterId));
  const texts = valuesIn(store.servers, { start, end, limit: page.limit });
  return texts.map((text) => withGrants(store, tenant, text));
}

/** The load records of the users who have one, each once. */
export function readLoads(
  store: LmdbStore,
  tenant: string,
  users: readonly string[],
): readonly LoadRecord[] {
  const texts = [...new Set(users)].map((user) => store.loads.get(keyOf(tenant, user)));
  return texts.flatMap((text) => (text === undefined ? [] : [JSON.parse(text) as LoadRecord]));
}

/** The private source of the tenant. */
export function readPrivateSource(store: LmdbStore, tenant: string): SourceRecord | undefined {
  const text = store.sources.get(keyOf(tenant));
  return text === undefined ? undefined : (JSON.parse(text) as SourceRecord);
}

export function readAnswer(
  store: LmdbStore,
  tenant: string,
  request: RequestId,
): RecordedAnswer | undefined {
  const text = store.answers.get(keyOf(tenant, request.principal, request.requestId));
  if (text === undefined) return undefined;
  const answer = JSON.parse(text) as RecordedAnswer;
  return isRemembered(answer, readMark(store, tenant).mark) ? answer : undefined;
}

function withGrants(store: LmdbStore, tenant: string, text: string): StoredServer {
  const record = JSON.parse(text) as ServerRecord;
  return { record, grants: readGrants(store, tenant, record.id) };
}

function readIds(store: LmdbStore, tenant: string, ids: Iterable<string>): readonly StoredServer[] {
  return [...ids].flatMap((id) => readServer(store, tenant, id) ?? []);
}

/** Read to the end before anything else is: a cursor stays open no longer than this. */
function valuesIn(table: Table, range: Range): string[] {
  const values: string[] = [];
  for (const { text } of table.rows(range)) values.push(text);
  return values;
}
