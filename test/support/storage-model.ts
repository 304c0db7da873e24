import { applyChange, changedId, type Commit } from '../../src/domain/commit.js';
import { canonicalJson } from '../../src/domain/digest.js';
import {
  audienceOf,
  isShared,
  type StoredServer,
  type Tombstone,
} from '../../src/domain/server.js';
import type { Subject } from '../../src/domain/view.js';
import type { Catalog, Projected, RecordedAnswer } from '../../src/storage/catalog.js';

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
  /** All that ever occurred, so that what is gone is asked for as well. */
  readonly names: Set<string>;
  readonly subjects: Set<Subject>;
}

export function emptyModel(): CatalogModel {
  return {
    revision: 0,
    servers: new Map(),
    tombstones: new Map(),
    answers: new Map(),
    names: new Set(['never-used']),
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
    if (after === undefined) {
      model.servers.delete(id);
      model.tombstones.set(id, { id, revision });
    } else {
      model.servers.set(id, after);
      model.tombstones.delete(id);
      model.names.add(after.record.name);
      for (const subject of audienceOf(after)) model.subjects.add(subject);
    }
  }
  if (request !== undefined) {
    const { principal, requestId, bodyDigest } = request;
    const answer: ModelAnswer = { principal, requestId, revision, bodyDigest, time };
    model.answers.set(JSON.stringify([principal, requestId]), answer);
  }
}

/** Forgets answers as compaction does. */
export function forgetAnswersBefore(model: CatalogModel, time: number): void {
  for (const [key, answer] of model.answers) if (answer.time < time) model.answers.delete(key);
}

/** In what the catalog's projections differ from the model; empty if in nothing. */
export async function projectionDifferences(
  catalog: Catalog,
  tenant: string,
  model: CatalogModel,
): Promise<readonly string[]> {
  const differences: string[] = [];
  const compare = (what: string, actual: Projected<unknown>, expected: unknown): void => {
    if (actual.revision !== model.revision) {
      differences.push(`${what}: of revision ${String(actual.revision)}`);
    }
    const [is, should] = [canonicalJson(actual.value ?? null), canonicalJson(expected ?? null)];
    if (is !== should) differences.push(`${what}: is ${is}, should be ${should}`);
  };
  const all = [...model.servers.values()];

  for (const id of [...model.servers.keys(), ...model.tombstones.keys(), 'never-used']) {
    const expected = model.servers.get(id) ?? model.tombstones.get(id);
    compare(`serverById ${id}`, await catalog.serverById(tenant, id), expected);
  }
  compare(
    'sharedServers',
    sorted(await catalog.sharedServers(tenant)),
    byId(all.filter((server) => isShared(server.record))),
  );
  for (const subjects of subjectLists(model)) {
    compare(
      `privateServers ${subjects.join()}`,
      sorted(await catalog.privateServers(tenant, subjects)),
      byId(all.filter((server) => isSeenBy(server, subjects))),
    );
  }
  for (const name of model.names) {
    compare(
      `serversNamed ${name}`,
      sorted(await catalog.serversNamed(tenant, name)),
      byId(all.filter((server) => server.record.name === name)),
    );
  }
  compare('inventory', sorted(await wholeInventory(catalog, tenant)), byId(all));
  for (const { principal, requestId, ...answer } of model.answers.values()) {
    const recorded = await catalog.answer(tenant, { principal, requestId });
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
  let afterId = '';
  for (;;) {
    const { revision, value } = await catalog.inventory(tenant, { afterId, limit });
    servers.push(...value);
    const last = value.at(-1);
    if (last === undefined) return { revision, value: servers };
    afterId = last.record.id;
  }
}

function isSeenBy(server: StoredServer, subjects: readonly Subject[]): boolean {
  if (isShared(server.record)) return false;
  const audience = audienceOf(server);
  return subjects.some((subject) => audience.includes(subject));
}

/** Each subject alone, all of them, and none. */
function subjectLists(model: CatalogModel): readonly (readonly Subject[])[] {
  const subjects = [...model.subjects];
  return [...subjects.map((subject) => [subject]), subjects, []];
}

function sorted(projected: Projected<readonly StoredServer[]>): Projected<readonly StoredServer[]> {
  return { revision: projected.revision, value: byId(projected.value) };
}

function byId(servers: readonly StoredServer[]): readonly StoredServer[] {
  return [...servers].sort((a, b) => (a.record.id < b.record.id ? -1 : 1));
}
