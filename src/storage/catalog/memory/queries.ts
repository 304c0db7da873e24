import type { LoadRecord } from '../../../domain/load-record.js';
import { isRemembered, type RecordedAnswer } from '../../../domain/projection/project-commit.js';
import {
  firstSteps,
  type AccessStep,
  type AccessStepsQuery,
  type ServerRecord,
  type ServerVersion,
  type StoredServer,
  type Tombstone,
} from '../../../domain/server.js';
import type { SourceRecord } from '../../../domain/source-record.js';
import type { Subject } from '../../../domain/view.js';
import type { PrivateServer, RequestId } from '../../projections.js';
import { answerKey, grantsOf, indexKey, type Rows } from './rows.js';

/** A server, or what is left of it. */
export function findServer(rows: Rows, id: string): StoredServer | Tombstone | undefined {
  const row = rows.servers.get(id);
  if (row !== undefined)
    return { record: JSON.parse(row.record) as ServerRecord, grants: copies(rows, id) };
  const left = rows.tombstones.get(id);
  return left === undefined ? undefined : (JSON.parse(left) as Tombstone);
}

/** All APP and USER servers. */
export function findShared(rows: Rows): readonly StoredServer[] {
  return serversIn(rows, idsOf(rows, indexKey('shared', '')));
}

/** The PRIVATE servers of the subjects, each once, with the grants of these subjects only. */
export function findPrivate(rows: Rows, subjects: readonly Subject[]): readonly PrivateServer[] {
  const ids = new Set<string>();
  for (const subject of subjects) {
    for (const id of idsOf(rows, indexKey('owner', subject))) ids.add(id);
    for (const id of idsOf(rows, indexKey('grant', subject))) ids.add(id);
  }
  const asked = new Set(subjects);
  return serversIn(rows, ids).map(({ record, grants: all }) => {
    const grants = all.filter(({ subject }) => asked.has(subject));
    return { record, grants, isPartial: grants.length < all.length };
  });
}

/** The servers of a name with the smallest ids. */
export function findNamed(
  rows: Rows,
  { name, limit }: { readonly name: string; readonly limit: number },
): readonly StoredServer[] {
  const ids = [...idsOf(rows, indexKey('name', name))].sort(compareBytes);
  return serversIn(rows, ids.slice(0, Math.max(0, limit)));
}

/** The servers of a declared set, by id. */
export function findOfSet(rows: Rows, set: string): readonly StoredServer[] {
  return serversIn(rows, [...idsOf(rows, indexKey('set', set))].sort(compareBytes));
}

/** What is left of servers deleted under a name, the newest first. */
export function findDeleted(
  rows: Rows,
  { name, limit }: { readonly name: string; readonly limit: number },
): readonly Tombstone[] {
  const found = [...idsOf(rows, indexKey('deleted', name))].flatMap((id) => {
    const text = rows.tombstones.get(id);
    return text === undefined ? [] : [JSON.parse(text) as Tombstone];
  });
  return found.sort((a, b) => b.revision - a.revision).slice(0, Math.max(0, limit));
}

/** Versions of a server before a generation, the newest first. */
export function findVersions(
  rows: Rows,
  query: { readonly id: string; readonly before?: number; readonly limit: number },
): readonly ServerVersion[] {
  const { id, before = Infinity, limit } = query;
  const versions = [...(rows.versions.get(id) ?? [])].filter(([number]) => number < before);
  const newestFirst = versions.sort(([a], [b]) => b - a).slice(0, Math.max(0, limit));
  return newestFirst.map(([, text]) => JSON.parse(text) as ServerVersion);
}

/** The changes of access that a query is for. */
export function findAccessSteps(rows: Rows, query: AccessStepsQuery): readonly AccessStep[] {
  const { id, before = Infinity } = query;
  const steps = (rows.accessSteps.get(id) ?? []).map((text) => JSON.parse(text) as AccessStep);
  return firstSteps(
    steps.toReversed().filter(({ revision }) => revision < before),
    query,
  );
}

/** The servers with the next ids after `afterId`. */
export function findInventory(
  rows: Rows,
  { afterId, limit }: { readonly afterId: string; readonly limit: number },
): readonly StoredServer[] {
  const ids = [...rows.servers.keys()].filter((id) => compareBytes(id, afterId) > 0);
  return serversIn(rows, ids.sort(compareBytes).slice(0, Math.max(0, limit)));
}

/** The load records of the users who have one, each once. */
export function findLoads(rows: Rows, users: readonly string[]): readonly LoadRecord[] {
  return [...new Set(users)].flatMap((user) => {
    const text = rows.loads.get(user);
    return text === undefined ? [] : [JSON.parse(text) as LoadRecord];
  });
}

/** The private source of the tenant. */
export function findPrivateSource({ source }: Rows): SourceRecord | undefined {
  return source === undefined ? undefined : (JSON.parse(source) as SourceRecord);
}

/** The servers that are loaded from a private source, with the next ids after `afterId`. */
export function findLoaded(
  rows: Rows,
  query: { readonly namespace: string; readonly afterId: string; readonly limit: number },
): readonly StoredServer[] {
  const all = [...idsOf(rows, indexKey('private-source', query.namespace))];
  const ids = all.filter((id) => compareBytes(id, query.afterId) > 0).sort(compareBytes);
  return serversIn(rows, ids.slice(0, Math.max(0, query.limit)));
}

/** The answer to a request, unless its commit lies at or below the compaction mark. */
export function findAnswer(
  rows: Rows,
  request: RequestId,
  mark: number,
): RecordedAnswer | undefined {
  const text = rows.answers.get(answerKey(request));
  if (text === undefined) return undefined;
  const answer = JSON.parse(text) as RecordedAnswer;
  return isRemembered(answer, mark) ? answer : undefined;
}

/** Forgets the answers from before a time. Milliseconds since 1970. */
export function forgetAnswers({ answers }: Rows, before: number): void {
  for (const [key, text] of answers) {
    if ((JSON.parse(text) as RecordedAnswer).time < before) answers.delete(key);
  }
}

/** Orders texts by their UTF-8 bytes, as all engines do. */
export function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function serversIn(rows: Rows, ids: Iterable<string>): readonly StoredServer[] {
  return [...ids].flatMap((id) => {
    const server = findServer(rows, id);
    return server === undefined || !('record' in server) ? [] : [server];
  });
}

function idsOf({ index }: Rows, key: string): Iterable<string> {
  return index.get(key) ?? [];
}

function copies(rows: Rows, id: string): StoredServer['grants'] {
  return grantsOf(rows, id).map((grant) => ({ ...grant }));
}
