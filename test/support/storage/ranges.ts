import type { Commit } from '../../../src/domain/commit.js';
import { canonicalJson } from '../../../src/domain/digest.js';
import { isShared } from '../../../src/domain/server.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import type { Projected } from '../../../src/storage/projections.js';
import { readLog } from './builders.js';
import { applyToModel, emptyModel, type CatalogModel } from './model.js';

/**
 * What projections return that the range beside it denies: each document has to be as it was
 * at some revision from `from` to `to`. Empty if nothing is wrong.
 */
export async function rangeDifferences(
  catalog: Catalog,
  tenant: string,
): Promise<readonly string[]> {
  const { projections } = catalog;
  const ids = Array.from({ length: 60 }, (_, at) => `s${String(at)}`);
  const reads = {
    shared: await projections.sharedServers(tenant),
    inventory: await projections.inventory(tenant, { afterId: '', limit: 1_000 }),
  };
  const log = await readLog(catalog, tenant);
  const known = [...new Set([...ids, ...idsIn(log)])];
  const byId = await projections.serversById(tenant, known);
  const users = [...new Set(log.flatMap(({ loads = [] }) => loads.map(({ after }) => after.user)))];
  const loads = await projections.loadRecords(tenant, users);
  const requests = log.flatMap(({ request }) => (request === undefined ? [] : [request]));
  const answers = await projections.answers(tenant, requests);

  const states = statesOf(await readLog(catalog, tenant));
  const check = (
    what: string,
    { from, to, value }: Projected<ReadonlyMap<string, unknown>>,
    { keys, at }: { keys: Iterable<string>; at: (model: CatalogModel, key: string) => unknown },
  ): readonly string[] => {
    const within = states.slice(from, to + 1);
    if (within.length === 0 || to >= states.length) return [`${what}: reflects no revision`];
    return [...keys].flatMap((key) => {
      const found = canonicalJson(value.get(key) ?? null);
      const isIn = within.some((model) => canonicalJson(at(model, key) ?? null) === found);
      const range = `${String(from)} to ${String(to)}`;
      return isIn ? [] : [`${what} ${key}: not as it was at any revision from ${range}`];
    });
  };
  const serverIn = (model: CatalogModel, id: string): unknown => model.servers.get(id);
  return [
    ...check(
      'shared',
      mapped(reads.shared, ({ record }) => record.id),
      {
        keys: known,
        at: ({ servers }, id) => {
          const server = servers.get(id);
          return server !== undefined && isShared(server.record) ? server : undefined;
        },
      },
    ),
    ...check(
      'inventory',
      mapped(reads.inventory, ({ record }) => record.id),
      {
        keys: known,
        at: serverIn,
      },
    ),
    ...check(
      'by id',
      { ...byId, value: zipped(known, byId.value) },
      {
        keys: known,
        at: (model, id) => model.servers.get(id) ?? model.tombstones.get(id),
      },
    ),
    ...check(
      'load',
      mapped(loads, ({ user }) => user),
      {
        keys: users,
        at: (model, user) => model.loads.get(user),
      },
    ),
    ...check(
      'answer',
      { ...answers, value: zipped(requests.map(keyOf), answers.value) },
      {
        keys: requests.map(keyOf),
        at: (model, key) => {
          const answer = model.answers.get(key);
          if (answer === undefined) return undefined;
          const { revision, bodyDigest, time } = answer;
          return { revision, bodyDigest, time };
        },
      },
    ),
  ];
}

/** The model at each revision, from 0 on. */
function statesOf(log: readonly Commit[]): readonly CatalogModel[] {
  const model = emptyModel();
  const states = [copyOf(model)];
  for (const commit of log) {
    applyToModel(model, commit);
    states.push(copyOf(model));
  }
  return states;
}

function copyOf(model: CatalogModel): CatalogModel {
  return {
    ...model,
    servers: new Map(model.servers),
    tombstones: new Map(model.tombstones),
    answers: new Map(model.answers),
    loads: new Map(model.loads),
  };
}

function idsIn(log: readonly Commit[]): readonly string[] {
  const records = log.flatMap(({ changes }) =>
    changes.flatMap(({ before, after }) => after ?? before ?? []),
  );
  return records.map(({ id }) => id);
}

function mapped<T>(
  { from, to, value }: Projected<readonly T[]>,
  key: (item: T) => string,
): Projected<ReadonlyMap<string, T>> {
  return { from, to, value: new Map(value.map((item) => [key(item), item])) };
}

function zipped<T>(keys: readonly string[], values: readonly T[]): ReadonlyMap<string, T> {
  return new Map(values.map((value, at) => [keys[at] ?? '', value]));
}

function keyOf(request: { readonly principal: string; readonly requestId: string }): string {
  return JSON.stringify([request.principal, request.requestId]);
}
