import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Server, Tier } from '../../generated/switchboard/v1/server.js';
import type { ServerFilter } from '../../generated/switchboard/v1/registry_service.js';
import {
  APP,
  declare,
  declarePrivate,
  httpSpec,
  largeSpec,
  INVENTORY,
  newTenant,
  refusalOf,
  revisionOf,
  tokenOf,
  userView,
  type Admin,
} from '../support/grpc-admin/grpc-admin.js';
import { startLocalServer, type LocalServer } from '../support/grpc-admin/server.js';
import { temporaryFolder } from '../support/storage/lmdb.js';

const ANA = userView('ana');

let local: LocalServer;
let admin: Admin;

beforeAll(async () => {
  local = await startLocalServer();
  ({ admin } = local);
});
afterAll(() => local[Symbol.asyncDispose]());
afterEach(() => expect(local.defects()).toEqual([]));

/** All pages of a list: the names, and the revision that each page tells. */
async function pages(
  query: Parameters<Admin['list']>[0],
  between: (page: number) => Promise<unknown> = async () => undefined,
): Promise<{ readonly names: string[][]; readonly revisions: number[] }> {
  const names: string[][] = [];
  const revisions: number[] = [];
  let pageToken = '';
  do {
    const page = await admin.list({ ...query, pageToken });
    names.push(page.servers.map(({ name }) => name));
    revisions.push(revisionOf(tokenOf(page), query.tenant));
    pageToken = page.nextPageToken;
    await between(names.length);
  } while (pageToken !== '');
  return { names, revisions };
}

describe('ListServers', () => {
  it('answers by name what GetServer finds, in pages', async () => {
    const tenant = newTenant();
    for (const name of ['delta', 'Alpha', 'charlie', 'bravo']) {
      await declare(admin, tenant, { name, tier: Tier.TIER_USER });
    }
    await declarePrivate(admin, tenant, { owner: 'ana', name: 'bravo' });
    await declarePrivate(admin, tenant, { owner: 'ana', name: 'echo' });
    const all = [['Alpha', 'bravo', 'charlie', 'delta', 'echo']];
    expect((await pages({ tenant, view: ANA })).names).toEqual(all);
    expect((await pages({ tenant, view: ANA, pageSize: 5 })).names).toEqual(all);
    expect((await pages({ tenant, view: ANA, pageSize: 2 })).names).toEqual([
      ['Alpha', 'bravo'],
      ['charlie', 'delta'],
      ['echo'],
    ]);
    expect((await pages({ tenant, view: userView('bob') })).names).toEqual([
      ['Alpha', 'bravo', 'charlie', 'delta'],
    ]);
    expect((await pages({ tenant, view: APP })).names).toEqual([[]]);
  });

  it('shows one revision on all pages, whatever is written meanwhile [W5, P10]', async () => {
    const tenant = newTenant();
    const servers: Server[] = [];
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      servers.push(await declare(admin, tenant, { name }));
    }
    const { names, revisions } = await pages({ tenant, view: APP, pageSize: 2 }, async (page) => {
      if (page === 1) {
        const { id, etag } = servers[3]!;
        await admin.remove({ tenant, id, etag });
        await declare(admin, tenant, { name: 'aa' });
      } else if (page === 2) {
        const { id, etag } = servers[4]!;
        await admin.update({ tenant, server: { id, etag, name: 'z' } });
      }
    });
    expect(names).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
    expect(revisions).toEqual([5, 5, 5]);
    expect((await pages({ tenant, view: APP })).names).toEqual([['a', 'aa', 'b', 'c', 'z']]);
  });

  it('shows the inventory by id, each page of its own revision [P10]', async () => {
    const tenant = newTenant();
    for (const owner of ['ana', 'bob', 'cy']) {
      await declarePrivate(admin, tenant, { owner, name: 'own' });
    }
    await declare(admin, tenant, { name: 'own' });
    const ids = new Set<string>();
    let last = '';
    let pageToken = '';
    const revisions: number[] = [];
    do {
      const page = await admin.list({ tenant, view: INVENTORY, pageSize: 1, pageToken });
      for (const { id } of page.servers) {
        expect(id > last).toBe(true);
        last = id;
        ids.add(id);
      }
      revisions.push(revisionOf(tokenOf(page), tenant));
      pageToken = page.nextPageToken;
      if (revisions.length === 2) await declarePrivate(admin, tenant, { owner: 'dan', name: 'x' });
    } while (pageToken !== '');
    expect(ids.size).toBeGreaterThanOrEqual(4);
    expect(revisions.slice(0, 2)).toEqual([4, 4]);
    expect(revisions.at(-1)).toBe(5);
  });

  it('caps the page size, and has a default', async () => {
    const tenant = newTenant();
    for (let index = 0; index < 105; index += 1) {
      await declare(admin, tenant, { name: `s-${String(index).padStart(3, '0')}` });
    }
    const sizes = async (pageSize: number): Promise<number[]> =>
      (await pages({ tenant, view: APP, pageSize })).names.map((page) => page.length);
    expect(await sizes(0)).toEqual([100, 5]);
    expect(await sizes(1_000_000)).toEqual([105]);
  });

  it.each<readonly [string, Partial<ServerFilter>, string[]]>([
    ['a prefix', { namePrefix: 'web-' }, ['web-a', 'web-b']],
    ['a tier', { tiers: [Tier.TIER_PRIVATE] }, ['own']],
    ['tiers', { tiers: [Tier.TIER_PRIVATE, Tier.TIER_USER] }, ['own', 'web-b']],
    ['a label', { labels: new Map([['team', 'x']]) }, ['db', 'web-a']],
    [
      'labels',
      {
        labels: new Map([
          ['team', 'x'],
          ['env', 'prod'],
        ]),
      },
      ['web-a'],
    ],
    ['a label that nobody has', { labels: new Map([['constructor', 'x']]) }, []],
    ['enabled', { enabled: true }, ['own', 'web-a', 'web-b']],
    ['disabled', { enabled: false }, ['db']],
    ['several', { namePrefix: 'web', tiers: [Tier.TIER_USER], enabled: true }, ['web-b']],
    ['nothing', {}, ['db', 'own', 'web-a', 'web-b']],
  ])('filters by %s', async (_, filter, names) => {
    const tenant = newTenant();
    const labels = (...entries: [string, string][]): Map<string, string> => new Map(entries);
    const spec = (rest: Parameters<typeof httpSpec>[1]) => httpSpec('https://a.example', rest);
    await declare(admin, tenant, {
      name: 'web-a',
      spec: spec({ labels: labels(['team', 'x'], ['env', 'prod']) }),
    });
    await declare(admin, tenant, { name: 'web-b', tier: Tier.TIER_USER });
    await declare(admin, tenant, {
      name: 'db',
      spec: spec({ enabled: false, labels: labels(['team', 'x']) }),
    });
    await declarePrivate(admin, tenant, { owner: 'ana', name: 'own' });
    const listed = await pages({ tenant, view: ANA, filter, pageSize: 1 });
    expect(listed.names.flat()).toEqual(names);
    const inventory = await pages({ tenant, view: INVENTORY, filter, pageSize: 1 });
    expect(inventory.names.flat().toSorted()).toEqual(names);
  });

  it('refuses a page token of another list', async () => {
    const tenant = newTenant();
    for (const name of ['a', 'b', 'c']) await declare(admin, tenant, { name });
    const query = { tenant, view: ANA, pageSize: 1 };
    const { nextPageToken: pageToken } = await admin.list(query);
    for (const other of [
      { ...query, pageToken, view: userView('bob') },
      { ...query, pageToken, filter: { namePrefix: 'a' } },
      { ...query, pageToken, view: INVENTORY },
    ]) {
      expect(await refusalOf(admin.list(other))).toMatchObject({
        reason: 'INVALID_FIELD',
        fields: ['page_token'],
      });
    }
    await admin.list({ ...query, pageToken });
  });

  it.each([
    ['app', APP],
    ['inventory', INVENTORY],
  ])('cuts pages of large servers short, and none is lost: %s', async (_name, view) => {
    const tenant = newTenant();
    const names = ['a', 'b', 'c', 'd', 'e'];
    for (const name of names) await declare(admin, tenant, { name, spec: largeSpec() });
    const { names: found } = await pages({ tenant, view });
    expect(found.map((page) => page.length)).toEqual([2, 2, 1]);
    expect(found.flat().sort()).toEqual(names);
  });

  it('refuses a page token whose revision is no longer held: PAGE_EXPIRED [P10]', async () => {
    const folder = await temporaryFolder();
    onTestFinished(() => folder.remove());
    const query = { view: APP, pageSize: 1 };
    let pageToken: string;
    {
      await using first = await startLocalServer({ dataDir: folder.path });
      for (const name of ['a', 'b', 'c']) await declare(first.admin, 'default', { name });
      ({ nextPageToken: pageToken } = await first.admin.list(query));
      await declare(first.admin, 'default', { name: 'd' });
    }
    await using second = await startLocalServer({ dataDir: folder.path });
    expect(await refusalOf(second.admin.list({ ...query, pageToken }))).toMatchObject({
      code: 'ABORTED',
      reason: 'PAGE_EXPIRED',
    });
  });
});
