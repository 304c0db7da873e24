import { applyChange, changedId, type Change, type Commit } from '../../../src/domain/commit.js';
import { canonicalJson } from '../../../src/domain/digest.js';
import type { LoadRecord } from '../../../src/domain/load-record.js';
import {
  isShared,
  type AccessStep,
  type Grant,
  type ServerVersion,
  type StoredServer,
  type Tombstone,
} from '../../../src/domain/server.js';
import type { SourceRecord } from '../../../src/domain/source-record.js';
import type { Subject } from '../../../src/domain/view.js';
import type { RecordedAnswer } from '../../../src/domain/projection/project-commit.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import type { PrivateServer, Projected } from '../../../src/storage/projections.js';
import { findAnswer, findServer } from './reads.js';
import { isSeenBySubject } from './seers.js';

/** A request whose answer was recorded. */
export interface ModelAnswer extends RecordedAnswer {
  readonly principal: string;
  readonly requestId: string;
}

/** What a log amounts to, kept the plainest way: no index, everything by looking at all. */
export interface CatalogModel {
  revision: number;
  readonly servers: Map<string, StoredServer>;
  readonly tombstones: Map<string, Tombstone>;
  readonly answers: Map<string, ModelAnswer>;
  /** By id, the oldest first. */
  readonly versions: Map<string, ServerVersion[]>;
  /** By id, the oldest first. */
  readonly accessSteps: Map<string, AccessStep[]>;
  /** By user. */
  readonly loads: Map<string, LoadRecord>;
  source: SourceRecord | undefined;
  /** All that ever occurred, so that what is gone is asked for as well. */
  readonly names: Set<string>;
  readonly sets: Set<string>;
  readonly subjects: Set<Subject>;
}

export function emptyModel(): CatalogModel {
  return {
    revision: 0,
    servers: new Map(),
    tombstones: new Map(),
    answers: new Map(),
    versions: new Map(),
    accessSteps: new Map(),
    loads: new Map(),
    source: undefined,
    names: new Set(['never-used']),
    sets: new Set(['never-used', '']),
    subjects: new Set<Subject>(['user:nobody', 'group:nobody']),
  };
}

/** The model after all commits. */
export function replay(
  commits: readonly Commit[],
  model: CatalogModel = emptyModel(),
): CatalogModel {
  for (const commit of commits) applyToModel(model, commit);
  return model;
}

/** Moves the model by one commit; throws if the log has a hole before it. */
export function applyToModel(model: CatalogModel, commit: Commit): void {
  const { revision, request, time } = commit;
  if (revision !== model.revision + 1) {
    throw new Error(`a hole in the log: ${String(model.revision)}, then ${String(revision)}`);
  }
  model.revision = revision;
  for (const change of commit.changes) {
    const id = changedId(change);
    const after = applyChange(model.servers.get(id), change);
    addVersion(model, commit, change);
    addAccessStep(model, commit, change);
    if (after === undefined) {
      model.servers.delete(id);
      model.tombstones.set(id, tombstoneOf(change, revision));
    } else {
      model.servers.set(id, after);
      model.tombstones.delete(id);
      const { owner } = after.record;
      model.names.add(after.record.name);
      model.sets.add(after.record.set);
      if (owner !== undefined) model.subjects.add(`user:${owner}`);
      for (const { subject } of after.grants) model.subjects.add(subject);
    }
  }
  for (const { before, after } of commit.loads ?? []) {
    const held = model.loads.get(after.user);
    if (canonicalJson(held ?? null) !== canonicalJson(before ?? null)) {
      throw new Error(`a load record of ${after.user} that follows another one`);
    }
    model.loads.set(after.user, after);
  }
  if (commit.source !== undefined) {
    const { before, after } = commit.source;
    if (canonicalJson(model.source ?? null) !== canonicalJson(before ?? null)) {
      throw new Error('a record of the private source that follows another one');
    }
    model.source = after;
  }
  if (request !== undefined) {
    const { principal, requestId, bodyDigest } = request;
    const answer: ModelAnswer = { principal, requestId, revision, bodyDigest, time };
    model.answers.set(JSON.stringify([principal, requestId]), answer);
  }
}

function tombstoneOf({ before }: Change, revision: number): Tombstone {
  if (before === undefined) throw new Error('a deletion of nothing');
  const { id, name, tier, owner } = before;
  return { id, revision, name, tier, ...(owner === undefined ? {} : { owner }) };
}

/** Facts and access make no version. */
function addVersion(model: CatalogModel, commit: Commit, change: Change): void {
  const { before, after, access } = change;
  if (before !== undefined && after !== undefined && before.etag === after.etag) return;
  const { cause, actor, reason, time, revision } = commit;
  const id = changedId(change);
  const { createTime = 0, lastUpdatedAt = 0 } = after ?? before ?? {};
  const by = { cause, actor, reason, time, revision, createTime, lastUpdatedAt };
  if (after === undefined) {
    const generation = (before?.generation ?? 0) + 1;
    putVersion(model, id, { ...by, generation, etag: '', grants: access?.revoked ?? [] });
    return;
  }
  const { name, externalId, tier, owner, spec, set, privateSource, generation, etag } = after;
  const declared = {
    name,
    externalId,
    tier,
    spec,
    set,
    ...(owner !== undefined && { owner }),
    ...(privateSource !== undefined && { privateSource }),
  };
  putVersion(model, id, { ...by, generation, declared, etag, grants: [] });
}

function addAccessStep(model: CatalogModel, commit: Commit, change: Change): void {
  const { revision, cause, actor, reason, time } = commit;
  const subjects = (grants: readonly Grant[] = []): Subject[] =>
    grants.map(({ subject }) => subject).sort();
  const [granted, revoked] = [subjects(change.access?.granted), subjects(change.access?.revoked)];
  if (granted.length === 0 && revoked.length === 0) return;
  const id = changedId(change);
  const step = { revision, cause, actor, reason, time, granted, revoked };
  model.accessSteps.set(id, [...(model.accessSteps.get(id) ?? []), step]);
}

function putVersion(model: CatalogModel, id: string, version: ServerVersion): void {
  const others = (model.versions.get(id) ?? []).filter(
    ({ generation }) => generation !== version.generation,
  );
  model.versions.set(
    id,
    [...others, version].sort((a, b) => a.generation - b.generation),
  );
}

/** Forgets answers as compaction does: those from before a time, and those at or below a mark. */
export function forgetAnswers(
  model: CatalogModel,
  { before = 0, upTo = 0 }: { readonly before?: number; readonly upTo?: number },
): void {
  for (const [key, { time, revision }] of model.answers) {
    if (time < before || revision <= upTo) model.answers.delete(key);
  }
}

/** In what the catalog's projections differ from the model; empty if in nothing. */
export async function projectionDifferences(
  catalog: Catalog,
  tenant: string,
  model: CatalogModel,
): Promise<readonly string[]> {
  const differences: string[] = [];
  const compare = (what: string, actual: Projected<unknown>, expected: unknown): void => {
    if (actual.from !== model.revision || actual.to !== model.revision) {
      differences.push(`${what}: of ${String(actual.from)} to ${String(actual.to)}`);
    }
    const [is, should] = [canonicalJson(actual.value ?? null), canonicalJson(expected ?? null)];
    if (is !== should) differences.push(`${what}: is ${is}, should be ${should}`);
  };
  const all = [...model.servers.values()];

  for (const id of [...model.servers.keys(), ...model.tombstones.keys(), 'never-used']) {
    const expected = model.servers.get(id) ?? model.tombstones.get(id);
    compare(`serverById ${id}`, await findServer(catalog, tenant, id), expected);
  }
  compare(
    'sharedServers',
    sorted(await catalog.projections.sharedServers(tenant)),
    byId(all.filter((server) => isShared(server.record))),
  );
  for (const subjects of subjectLists(model)) {
    compare(
      `privateServers ${subjects.join()}`,
      sorted(await catalog.projections.privateServers(tenant, subjects)),
      byId(all.filter((server) => isSeenBy(server, subjects)).map(asAsked(subjects))),
    );
  }
  for (const name of model.names) {
    compare(
      `serversNamed ${name}`,
      sorted(await catalog.projections.serversNamed(tenant, { name, limit: 1_000 })),
      byId(all.filter((server) => server.record.name === name)),
    );
    const deleted = [...model.tombstones.values()].filter((left) => left.name === name);
    compare(
      `deletedNamed ${name}`,
      await catalog.projections.deletedNamed(tenant, { name, limit: 1_000 }),
      deleted.sort((a, b) => b.revision - a.revision),
    );
  }
  for (const set of model.sets) {
    compare(
      `serversOfSet ${set}`,
      sorted(await catalog.projections.serversOfSet(tenant, set)),
      byId(all.filter(({ record }) => set !== '' && record.set === set)),
    );
  }
  for (const [id, versions] of model.versions) {
    const newestFirst = versions.toReversed();
    compare(
      `versions ${id}`,
      await catalog.projections.versions(tenant, { id, limit: 1_000 }),
      newestFirst,
    );
    const before = newestFirst[1]?.generation;
    if (before === undefined) continue;
    const page = await catalog.projections.versions(tenant, { id, before, limit: 2 });
    compare(`versions ${id} before ${String(before)}`, page, newestFirst.slice(2, 4));
  }
  for (const [id, steps] of model.accessSteps) {
    const newestFirst = steps.toReversed();
    const all = { id, limit: 1_000, subjects: 1_000_000 };
    compare(`accessSteps ${id}`, await catalog.projections.accessSteps(tenant, all), newestFirst);
    const before = newestFirst[1]?.revision;
    if (before === undefined) continue;
    const page = await catalog.projections.accessSteps(tenant, { ...all, before, limit: 2 });
    compare(`accessSteps ${id} before ${String(before)}`, page, newestFirst.slice(2, 4));
  }
  for (const users of userLists(model)) {
    const read = await catalog.projections.loadRecords(tenant, users);
    const loads = users.flatMap((user) => model.loads.get(user) ?? []);
    compare(`loadRecords ${users.join()}`, { ...read, value: byUser(read.value) }, byUser(loads));
  }
  compare('privateSource', await catalog.projections.privateSource(tenant), model.source);
  for (const namespace of namespacesOf(model)) {
    const query = { namespace, afterId: '', limit: 1_000 };
    compare(
      `serversOfPrivateSource ${namespace}`,
      sorted(await catalog.projections.serversOfPrivateSource(tenant, query)),
      byId(all.filter(({ record }) => record.privateSource === namespace)),
    );
  }
  compare('inventory', sorted(await wholeInventory(catalog, tenant)), byId(all));
  for (const { principal, requestId, ...answer } of model.answers.values()) {
    const recorded = await findAnswer(catalog, tenant, { principal, requestId });
    compare(`answer ${principal} ${requestId}`, recorded, answer);
  }
  return differences;
}

/** The inventory, read page by page. */
export async function wholeInventory(
  catalog: Catalog,
  tenant: string,
  limit = 3,
): Promise<Projected<readonly StoredServer[]>> {
  const servers: StoredServer[] = [];
  let from = Infinity;
  let to = 0;
  let afterId = '';
  for (;;) {
    const { value, ...read } = await catalog.projections.inventory(tenant, { afterId, limit });
    from = Math.min(from, read.from);
    to = Math.max(to, read.to);
    servers.push(...value);
    const last = value.at(-1);
    if (last === undefined) return { from, to, value: servers };
    afterId = last.record.id;
  }
}

function isSeenBy(server: StoredServer, subjects: readonly Subject[]): boolean {
  if (isShared(server.record)) return false;
  return subjects.some((subject) => isSeenBySubject(server, subject));
}

/** A server with the grants of these subjects only. */
function asAsked(subjects: readonly Subject[]): (server: StoredServer) => PrivateServer {
  return ({ record, grants }) => {
    const asked = grants.filter(({ subject }) => subjects.includes(subject));
    return { record, grants: asked, isPartial: asked.length < grants.length };
  };
}

/** Each subject alone, all of them, and none. */
function subjectLists(model: CatalogModel): readonly (readonly Subject[])[] {
  const subjects = [...model.subjects];
  return [...subjects.map((subject) => [subject]), subjects, []];
}

/** Each user who ever had a load record alone, all of them with one who had none, and nobody. */
function userLists(model: CatalogModel): readonly (readonly string[])[] {
  const users = [...model.loads.keys(), 'nobody'];
  return [...users.map((user) => [user]), users, []];
}

/** Of the private source, of every server that is from one, and one that never was. */
function namespacesOf({ source, servers }: CatalogModel): ReadonlySet<string> {
  const named = [...servers.values()].flatMap(({ record }) => record.privateSource ?? []);
  return new Set([...named, ...(source === undefined ? [] : [source.namespace]), 'never-used']);
}

function byUser(loads: readonly LoadRecord[]): readonly LoadRecord[] {
  return [...loads].sort((a, b) => (a.user < b.user ? -1 : 1));
}

function sorted(projected: Projected<readonly StoredServer[]>): Projected<readonly StoredServer[]> {
  return { ...projected, value: byId(projected.value) };
}

function byId(servers: readonly StoredServer[]): readonly StoredServer[] {
  return [...servers].sort((a, b) => (a.record.id < b.record.id ? -1 : 1));
}
