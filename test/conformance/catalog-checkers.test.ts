import { describe, expect, it, onTestFinished } from 'vitest';
import type { StoredServer, Tombstone } from '../../src/domain/server.js';
import type { Catalog } from '../../src/storage/catalog.js';
import { isTombstone } from '../../src/storage/projections.js';
import { loadOf } from '../support/loads/loads.js';
import {
  appendAtHead,
  changeOf,
  draftOf,
  grantsAt,
  readLog,
  recordOf,
} from '../support/storage/builders.js';
import { createLmdbHarness } from '../support/storage/lmdb.js';
import { projectionDifferences, replay } from '../support/storage/model.js';
import { projectedAt, withMethods, type CatalogMethods } from '../support/storage/reads.js';
import { expectWholeLog } from './catalog/append.js';
import { TENANT } from './catalog/harness.js';

/** The first load record of ana in the history below. */
const LOADED = loadOf('ana', { serverCount: 1 });

/** Ways in which an engine could be wrong: the checkers must notice each. */
const BROKEN_PROJECTIONS: Record<string, (catalog: Catalog) => Partial<CatalogMethods>> = {
  'an index entry of a subject is missing': (catalog) => ({
    privateServers: async (tenant, subjects) => {
      const { value, ...read } = await catalog.projections.privateServers(tenant, subjects);
      return { ...read, value: subjects.includes('group:ops') ? [] : value };
    },
  }),
  'a revoked subject still sees': (catalog) => ({
    privateServers: (tenant, subjects) =>
      catalog.projections.privateServers(tenant, [...subjects, 'user:ana']),
  }),
  'a server comes twice': (catalog) => ({
    privateServers: async (tenant, subjects) => {
      const { value, ...read } = await catalog.projections.privateServers(tenant, subjects);
      return { ...read, value: [...value, ...value] };
    },
  }),
  'a shared server is missing': (catalog) => ({
    sharedServers: async (tenant) => {
      const { value, ...read } = await catalog.projections.sharedServers(tenant);
      return { ...read, value: value.slice(1) };
    },
  }),
  'the former name still finds it': (catalog) => ({
    serversNamed: (tenant, query) =>
      catalog.projections.serversNamed(tenant, {
        ...query,
        name: query.name === 'former' ? 'new' : query.name,
      }),
  }),
  'a tombstone is forgotten': (catalog) => ({
    serversById: async (tenant, ids) => {
      const { value, ...read } = await catalog.projections.serversById(tenant, ids);
      return {
        ...read,
        value: value.map((server, at) => (ids[at] === 'deleted' ? undefined : server)),
      };
    },
  }),
  'a deleted server is back': (catalog) => ({
    serversById: (tenant, ids) =>
      catalog.projections.serversById(
        tenant,
        ids.map((id) => (id === 'deleted' ? 'private' : id)),
      ),
  }),
  'a grant has another revision': (catalog) => ({
    serversById: async (tenant, ids) => {
      const { value, ...read } = await catalog.projections.serversById(tenant, ids);
      return { ...read, value: value.map(withOtherGrants) };
    },
  }),
  'a page of the inventory skips one': (catalog) => ({
    inventory: async (tenant, page) => {
      const { value, ...read } = await catalog.projections.inventory(tenant, page);
      return { ...read, value: value.slice(1) };
    },
  }),
  'a version is missing': (catalog) => ({
    versions: async (tenant, query) => {
      const { value, ...read } = await catalog.projections.versions(tenant, query);
      return { ...read, value: value.slice(0, 1) };
    },
  }),
  'a version tells another author': (catalog) => ({
    versions: async (tenant, query) => {
      const { value, ...read } = await catalog.projections.versions(tenant, query);
      return { ...read, value: value.map((version) => ({ ...version, actor: 'eve' })) };
    },
  }),
  'a deleted server is not found by its name': () => ({
    deletedNamed: async () => projectedAt(5, []),
  }),
  'a set has the servers of another one': (catalog) => ({
    serversOfSet: (tenant) => catalog.projections.serversOfSet(tenant, 'a.yaml'),
  }),
  'an answer is lost': () => ({
    answers: async (_tenant, requests) =>
      projectedAt(
        5,
        requests.map(() => undefined),
      ),
  }),
  'a load record is forgotten': (catalog) => ({
    loadRecords: async (tenant, users) => {
      const { value, ...read } = await catalog.projections.loadRecords(tenant, users);
      return { ...read, value: value.filter(({ user }) => user !== 'bob') };
    },
  }),
  'a load record is not the newest': (catalog) => ({
    loadRecords: async (tenant, users) => {
      const { value, ...read } = await catalog.projections.loadRecords(tenant, users);
      return { ...read, value: value.map((load) => (load.user === 'ana' ? LOADED : load)) };
    },
  }),
  'a user has the load record of another': (catalog) => ({
    loadRecords: async (tenant, users) =>
      catalog.projections.loadRecords(
        tenant,
        users.map((user) => (user === 'ana' ? 'bob' : user)),
      ),
  }),
  'a user who was never loaded has a load record': (catalog) => ({
    loadRecords: async (tenant, users) => {
      const { value, ...read } = await catalog.projections.loadRecords(tenant, users);
      return { ...read, value: users.includes('nobody') ? [...value, loadOf('nobody')] : value };
    },
  }),
  'load records come that nobody asked for': (catalog) => ({
    loadRecords: (tenant, users) => catalog.projections.loadRecords(tenant, [...users, 'ana']),
  }),
  'load records lag behind the log': (catalog) => ({
    loadRecords: async (tenant, users) => {
      const { value, ...read } = await catalog.projections.loadRecords(tenant, users);
      return { ...read, from: read.from - 1, value };
    },
  }),
  'a projection lags behind the log': (catalog) => ({
    sharedServers: async (tenant) => {
      const { value, ...read } = await catalog.projections.sharedServers(tenant);
      return { ...read, from: read.from - 1, value };
    },
  }),
};

const BROKEN_LOGS: Record<string, (catalog: Catalog) => Partial<CatalogMethods>> = {
  'a commit is missing': (catalog) => ({
    read: async (tenant, after) => {
      const slice = await catalog.log.read(tenant, after);
      return { ...slice, commits: slice.commits.filter((commit) => commit.revision !== 3) };
    },
  }),
  'a commit comes twice': (catalog) => ({
    read: async (tenant, after) => {
      const slice = await catalog.log.read(tenant, after);
      return { ...slice, commits: slice.commits.flatMap((c) => (c.revision === 3 ? [c, c] : c)) };
    },
  }),
  'two commits are exchanged': (catalog) => ({
    read: async (tenant, after) => {
      const slice = await catalog.log.read(tenant, after);
      const [first, second, ...rest] = slice.commits;
      const exchanged = first && second ? [second, first, ...rest] : slice.commits;
      return { ...slice, commits: exchanged };
    },
  }),
  'a commit is not what was appended': (catalog) => ({
    read: async (tenant, after) => {
      const slice = await catalog.log.read(tenant, after);
      return { ...slice, commits: slice.commits.map((c) => ({ ...c, body: `${c.body} ` })) };
    },
  }),
  'the last commit is lost': (catalog) => ({
    head: async (tenant) => (await catalog.log.positionAt(tenant, 4)) ?? catalog.log.head(tenant),
  }),
};

describe('the checkers of the catalog suite', () => {
  it('find nothing wrong with a right catalog', async () => {
    const catalog = await catalogWithHistory();
    const model = replay(await readLog(catalog, TENANT));
    expect(await projectionDifferences(catalog, TENANT, model)).toEqual([]);
    await expectWholeLog(catalog);
  });

  it.each(Object.entries(BROKEN_PROJECTIONS))('notice that %s', async (_what, breakIt) => {
    const catalog = await catalogWithHistory();
    const model = replay(await readLog(catalog, TENANT));
    const broken = withMethods(catalog, breakIt(catalog));
    expect(await projectionDifferences(broken, TENANT, model)).not.toEqual([]);
  });

  it.each(Object.entries(BROKEN_LOGS))('notice that %s', async (_what, breakIt) => {
    const catalog = await catalogWithHistory();
    await expect(expectWholeLog(withMethods(catalog, breakIt(catalog)))).rejects.toThrow();
  });
});

function withOtherGrants(
  server: StoredServer | Tombstone | undefined,
): StoredServer | Tombstone | undefined {
  if (server === undefined || isTombstone(server)) return server;
  return { ...server, grants: server.grants.map((grant) => ({ ...grant, revision: 9 })) };
}

/** Five commits with one of everything that the checkers look at. */
async function catalogWithHistory(): Promise<Catalog> {
  const harness = await createLmdbHarness({});
  onTestFinished(() => harness.dispose());
  const { catalog } = harness;
  const former = recordOf({ id: 'renamed', name: 'former', set: 'a.yaml' });
  const deleted = recordOf({ id: 'deleted' });
  const own = recordOf({ id: 'private', owner: 'bob' });
  const held = grantsAt(1, 'group:ops', 'user:ana');
  const request = { principal: 'p', requestId: 'r', bodyDigest: 'd' };
  await appendAtHead(
    catalog,
    TENANT,
    draftOf(
      [
        changeOf(undefined, former),
        changeOf(undefined, deleted),
        changeOf(undefined, own, { granted: held }),
      ],
      { loads: [{ after: LOADED }] },
    ),
    draftOf(changeOf(former, { ...former, name: 'new', generation: 2, etag: 'new' }), { request }),
    draftOf(changeOf(deleted, undefined)),
    draftOf(changeOf(own, own, { revoked: grantsAt(1, 'user:ana') }), {
      loads: [
        { before: LOADED, after: loadOf('ana', { state: 'invalidated', revision: 4 }) },
        { after: loadOf('bob', { revision: 4 }) },
      ],
    }),
    draftOf(changeOf(undefined, recordOf({ id: 'of ana', owner: 'ana' }))),
  );
  return catalog;
}
