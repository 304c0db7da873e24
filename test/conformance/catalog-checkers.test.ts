import { describe, expect, it, onTestFinished } from 'vitest';
import type { Catalog } from '../../src/storage/catalog.js';
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
import { expectWholeLog } from './catalog/append.js';
import { TENANT } from './catalog/harness.js';

/** The first load record of ana in the history below. */
const LOADED = loadOf('ana', { serverCount: 1 });

/** Ways in which an engine could be wrong: the checkers must notice each. */
const BROKEN_PROJECTIONS: Record<string, (catalog: Catalog) => Partial<Catalog>> = {
  'an index entry of a subject is missing': (catalog) => ({
    privateServers: async (tenant, subjects) => {
      const { revision, value } = await catalog.privateServers(tenant, subjects);
      return { revision, value: subjects.includes('group:ops') ? [] : value };
    },
  }),
  'a revoked subject still sees': (catalog) => ({
    privateServers: (tenant, subjects) => catalog.privateServers(tenant, [...subjects, 'user:ana']),
  }),
  'a server comes twice': (catalog) => ({
    privateServers: async (tenant, subjects) => {
      const { revision, value } = await catalog.privateServers(tenant, subjects);
      return { revision, value: [...value, ...value] };
    },
  }),
  'a shared server is missing': (catalog) => ({
    sharedServers: async (tenant) => {
      const { revision, value } = await catalog.sharedServers(tenant);
      return { revision, value: value.slice(1) };
    },
  }),
  'the former name still finds it': (catalog) => ({
    serversNamed: (tenant, query) =>
      catalog.serversNamed(tenant, {
        ...query,
        name: query.name === 'former' ? 'new' : query.name,
      }),
  }),
  'a tombstone is forgotten': (catalog) => ({
    serverById: async (tenant, id) => {
      const { revision, value } = await catalog.serverById(tenant, id);
      return { revision, value: id === 'deleted' ? undefined : value };
    },
  }),
  'a deleted server is back': (catalog) => ({
    serverById: (tenant, id) => catalog.serverById(tenant, id === 'deleted' ? 'private' : id),
  }),
  'a grant has another revision': (catalog) => ({
    serverById: async (tenant, id) => {
      const projected = structuredClone(await catalog.serverById(tenant, id));
      const { value } = projected;
      if (value === undefined || !('record' in value)) return projected;
      const grants = value.grants.map((grant) => ({ ...grant, revision: 9 }));
      return { ...projected, value: { ...value, grants } };
    },
  }),
  'a page of the inventory skips one': (catalog) => ({
    inventory: async (tenant, page) => {
      const { revision, value } = await catalog.inventory(tenant, page);
      return { revision, value: value.slice(1) };
    },
  }),
  'a version is missing': (catalog) => ({
    versions: async (tenant, query) => {
      const { revision, value } = await catalog.versions(tenant, query);
      return { revision, value: value.slice(0, 1) };
    },
  }),
  'a version tells another author': (catalog) => ({
    versions: async (tenant, query) => {
      const { revision, value } = await catalog.versions(tenant, query);
      return { revision, value: value.map((version) => ({ ...version, actor: 'eve' })) };
    },
  }),
  'a deleted server is not found by its name': () => ({
    deletedNamed: async () => ({ revision: 5, value: [] }),
  }),
  'a source has the servers of another': (catalog) => ({
    serversOfSource: (tenant) => catalog.serversOfSource(tenant, 'a.yaml'),
  }),
  'an answer is lost': () => ({ answer: async () => ({ revision: 5, value: undefined }) }),
  'a load record is forgotten': (catalog) => ({
    loadRecords: async (tenant, users) => {
      const { revision, value } = await catalog.loadRecords(tenant, users);
      return { revision, value: value.filter(({ user }) => user !== 'bob') };
    },
  }),
  'a load record is not the newest': (catalog) => ({
    loadRecords: async (tenant, users) => {
      const { revision, value } = await catalog.loadRecords(tenant, users);
      return { revision, value: value.map((load) => (load.user === 'ana' ? LOADED : load)) };
    },
  }),
  'a user has the load record of another': (catalog) => ({
    loadRecords: async (tenant, users) =>
      catalog.loadRecords(
        tenant,
        users.map((user) => (user === 'ana' ? 'bob' : user)),
      ),
  }),
  'a user who was never loaded has a load record': (catalog) => ({
    loadRecords: async (tenant, users) => {
      const { revision, value } = await catalog.loadRecords(tenant, users);
      return { revision, value: users.includes('nobody') ? [...value, loadOf('nobody')] : value };
    },
  }),
  'load records come that nobody asked for': (catalog) => ({
    loadRecords: (tenant, users) => catalog.loadRecords(tenant, [...users, 'ana']),
  }),
  'load records lag behind the log': (catalog) => ({
    loadRecords: async (tenant, users) => {
      const { revision, value } = await catalog.loadRecords(tenant, users);
      return { revision: revision - 1, value };
    },
  }),
  'a projection lags behind the log': (catalog) => ({
    sharedServers: async (tenant) => {
      const { revision, value } = await catalog.sharedServers(tenant);
      return { revision: revision - 1, value };
    },
  }),
};

const BROKEN_LOGS: Record<string, (catalog: Catalog) => Partial<Catalog>> = {
  'a commit is missing': (catalog) => ({
    read: async (tenant, after) => {
      const slice = await catalog.read(tenant, after);
      return { ...slice, commits: slice.commits.filter((commit) => commit.revision !== 3) };
    },
  }),
  'a commit comes twice': (catalog) => ({
    read: async (tenant, after) => {
      const slice = await catalog.read(tenant, after);
      return { ...slice, commits: slice.commits.flatMap((c) => (c.revision === 3 ? [c, c] : c)) };
    },
  }),
  'two commits are exchanged': (catalog) => ({
    read: async (tenant, after) => {
      const slice = await catalog.read(tenant, after);
      const [first, second, ...rest] = slice.commits;
      const exchanged = first && second ? [second, first, ...rest] : slice.commits;
      return { ...slice, commits: exchanged };
    },
  }),
  'a commit is not what was appended': (catalog) => ({
    read: async (tenant, after) => {
      const slice = await catalog.read(tenant, after);
      return { ...slice, commits: slice.commits.map((c) => ({ ...c, actor: 'someone else' })) };
    },
  }),
  'the last commit is lost': (catalog) => ({
    head: async (tenant) => (await catalog.positionAt(tenant, 4)) ?? catalog.head(tenant),
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
    const broken = { ...catalog, ...breakIt(catalog) };
    expect(await projectionDifferences(broken, TENANT, model)).not.toEqual([]);
  });

  it.each(Object.entries(BROKEN_LOGS))('notice that %s', async (_what, breakIt) => {
    const catalog = await catalogWithHistory();
    await expect(expectWholeLog({ ...catalog, ...breakIt(catalog) })).rejects.toThrow();
  });
});

/** Five commits with one of everything that the checkers look at. */
async function catalogWithHistory(): Promise<Catalog> {
  const harness = await createLmdbHarness({});
  onTestFinished(() => harness.dispose());
  const { catalog } = harness;
  const former = recordOf({ id: 'renamed', name: 'former', source: 'a.yaml' });
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
