import { describe, expect, it } from 'vitest';
import { SwitchboardError } from '../../../src/domain/errors.js';
import { userView, type UserView } from '../../../src/domain/view.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import { withMethods } from '../../support/storage/reads.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import { grant } from '../../support/services/access.js';
import { removeSource, replicaOf, sourceOf } from '../../support/services/sources.js';
import {
  catchUp,
  create,
  openWorld,
  page,
  remove,
  requestOf,
  TENANT,
  update,
  type Replica,
  type World,
} from '../../support/services/world.js';
import { reasonOf } from '../../support/reason-of.js';

useFakeIntervals();

const ana = userView('ana');
const bob = userView('bob');

const recordsOf = async (replica: Replica, view: UserView = ana) =>
  (await page(replica, view)).value.servers.map(({ record }) => record);

const namesOf = async (replica: Replica, view: UserView = ana): Promise<readonly string[]> =>
  (await recordsOf(replica, view)).map(({ name }) => name);

const load = ({ services }: Replica, user: string, force = false) =>
  services.loadPrivateServers(requestOf(), { user, force });

const headOf = async (world: World): Promise<number> =>
  (await world.catalog.log.head(TENANT)).revision;

const NOTHING = { deletedCount: 0, keptCount: 0 };

/** Two servers of ana from the source, one of them seen by bob, and one of her own. */
async function loaded(world: World) {
  const configured = await replicaOf(world, 'crm');
  const { replica, source } = configured;
  source.set('ana', { rowId: 'a' }, { rowId: 'b' });
  source.set('bob', { rowId: 'b', owner: 'ana' });
  await create(replica, { name: 'own', tier: 'PRIVATE', owner: 'ana' });
  for (const view of [ana, bob]) await namesOf(replica, view);
  return configured;
}

describe('a source that is removed', () => {
  it('with drop takes its servers with it and nothing else, and is loaded no more [P36]', async () => {
    await using world = await openWorld();
    const { replica, source } = await loaded(world);
    const before = await headOf(world);
    const planned = await removeSource(replica, 'crm', 'drop', { validateOnly: true });
    expect(planned.value).toEqual({ deletedCount: 2, keptCount: 0 });
    expect(await headOf(world)).toBe(before);
    const { value, position } = await removeSource(replica, 'crm', 'drop');
    expect(value).toEqual({ deletedCount: 2, keptCount: 0 });
    expect(position.revision).toBe(before + 1);
    expect([await namesOf(replica), await namesOf(replica, bob)]).toEqual([['own'], []]);
    expect(await namesOf(replica, userView('eve'))).toEqual([]);
    expect(source.asked).toEqual(['ana', 'bob']);
    for (const force of [false, true])
      expect(await reasonOf(load(replica, 'ana', force))).toBe('SOURCE_REMOVED');
    expect(replica.errors).toEqual([expect.objectContaining({ reason: 'SOURCE_REMOVED' })]);
    expect((await removeSource(replica, 'crm', 'keep')).value).toEqual(NOTHING);
    expect(await headOf(world)).toBe(before + 1);
  });

  it('with keep leaves them to their owners, who change and delete them [P36]', async () => {
    await using world = await openWorld();
    const { replica } = await loaded(world);
    const before = await recordsOf(replica);
    const { value } = await removeSource(replica, 'crm', 'keep');
    expect(value).toEqual({ deletedCount: 0, keptCount: 2 });
    const after = await recordsOf(replica);
    const [a, b] = after;
    expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    expect(after.map((record) => record.privateSource)).toEqual([undefined, undefined, undefined]);
    expect(a).toMatchObject({ name: 'a', owner: 'ana', externalId: 'a', generation: 2 });
    expect(await namesOf(replica, bob)).toEqual(['b']);
    await update(replica, a!, { fields: { name: 'mine' } });
    await grant(replica, a!, { subjects: ['user:bob'] });
    await remove(replica, b!);
    expect(await namesOf(replica)).toEqual(['mine', 'own']);
    expect(await namesOf(replica, bob)).toEqual(['mine']);
  });

  it('with keep stays removed when a server is rolled back to what the source said [P36]', async () => {
    await using world = await openWorld();
    const { replica } = await loaded(world);
    await removeSource(replica, 'crm', 'keep');
    const [a] = await recordsOf(replica);
    const { value: changed } = await update(replica, a!, { fields: { name: 'mine' } });
    const options = { policy: 'fail', requestId: '', validateOnly: false, reason: '' } as const;
    const target = { id: changed.id, etag: changed.etag, generation: 1 };
    await replica.services.rollbackServer(requestOf(), { ...target, ...options });
    const [back] = await recordsOf(replica);
    expect(back).toMatchObject({ name: 'a', generation: 4 });
    expect(back?.privateSource).toBeUndefined();
  });

  it('makes room for another one, which is made by its first load [P36]', async () => {
    await using world = await openWorld();
    const { replica } = await loaded(world);
    const { position } = await removeSource(replica, 'crm', 'keep');
    const hub = await replicaOf(world, 'hub');
    hub.source.set('eve', { rowId: 'a' });
    await catchUp(hub.replica, position);
    expect(await namesOf(hub.replica, userView('eve'))).toEqual(['a']);
    expect((await sourceOf(hub.replica)).record).toMatchObject({
      name: 'hub',
      namespace: 'hub',
      state: 'active',
      formerNames: ['crm'],
    });
    await removeSource(hub.replica, 'hub', 'drop');
    await catchUp(replica);
    // Also a name before the last one is not taken again.
    expect(await reasonOf(load(replica, 'eve', true))).toBe('SOURCE_REMOVED');
    expect(await namesOf(replica)).toEqual(['a', 'b', 'own']);
  });

  it('throws a load away that is under way [P36, P22]', async () => {
    await using world = await openWorld();
    const { replica, source } = await loaded(world);
    source.set('eve', { rowId: 'late' });
    source.held = [];
    const read = namesOf(replica, userView('eve'));
    while (source.held.length === 0) await new Promise(setImmediate);
    await removeSource(replica, 'crm', 'drop');
    source.release();
    expect(await read).toEqual([]);
    expect((await sourceOf(replica)).record?.state).toBe('removed');
  });

  it('is refused under another name, and without a source', async () => {
    await using world = await openWorld();
    const { replica } = await replicaOf(world, 'crm');
    expect(await reasonOf(removeSource(replica, 'crm', 'drop'))).toBe('SOURCE_MISMATCH');
    await namesOf(replica);
    const before = await headOf(world);
    expect(await reasonOf(removeSource(replica, 'hub', 'drop'))).toBe('SOURCE_MISMATCH');
    expect(await headOf(world)).toBe(before);
  });
});

/** A source with more servers than a commit takes. */
async function loadedWithMany(world: World, catalog: Catalog = world.catalog) {
  const { replica, source } = await replicaOf(world, 'crm', { catalog });
  const rows = Array.from({ length: 1_100 }, (_, at) => ({ rowId: `row-${String(at)}` }));
  source.set('ana', ...rows);
  await namesOf(replica);
  return replica;
}

describe('the removal of many servers', () => {
  it.each(['drop', 'keep'] as const)(
    'with %s goes in several commits, and repeated answers the same [R3, P36]',
    async (servers) => {
      await using world = await openWorld();
      const replica = await loadedWithMany(world);
      const before = await headOf(world);
      const first = await removeSource(replica, 'crm', servers, { requestId: 'r-1' });
      expect(first.value).toEqual({
        deletedCount: servers === 'drop' ? 1_100 : 0,
        keptCount: servers === 'keep' ? 1_100 : 0,
      });
      const commits = (await headOf(world)) - before;
      expect(commits).toBeGreaterThanOrEqual(3);
      await create(replica, { name: 'own', tier: 'PRIVATE', owner: 'ana' });
      const again = await removeSource(replica, 'crm', servers, { requestId: 'r-1' });
      expect([again.value, again.position]).toEqual([first.value, first.position]);
      expect(await namesOf(replica)).toContain('own');
    },
  );

  it('that fails in the middle is completed under its request id, and by a new one [R3, P36]', async () => {
    for (const second of ['r-1', 'r-2']) {
      await using world = await openWorld();
      let left = Number.POSITIVE_INFINITY;
      const catalog = withMethods(world.catalog, {
        append: (...args) => {
          left -= 1;
          if (left < 0) return Promise.reject(new SwitchboardError('NOT_WRITTEN'));
          return world.catalog.log.append(...args);
        },
      });
      const replica = await loadedWithMany(world, catalog);
      left = 2;
      const cut = removeSource(replica, 'crm', 'drop', { requestId: 'r-1' });
      expect(await reasonOf(cut)).toBe('NOT_WRITTEN');
      expect((await sourceOf(replica)).record?.state).toBe('removing');
      const some = (await namesOf(replica)).length;
      expect([some > 0, some < 1_100]).toEqual([true, true]);
      // Nothing comes back meanwhile, and another source has to wait.
      expect(await reasonOf(load(replica, 'ana', true))).toBe('SOURCE_REMOVED');
      const hub = await replicaOf(world, 'hub');
      expect(await reasonOf(page(hub.replica, bob))).toBe('SOURCE_DIFFERS');

      left = Number.POSITIVE_INFINITY;
      const done = await removeSource(replica, 'crm', 'drop', { requestId: second });
      expect(done.value.deletedCount).toBe(second === 'r-1' ? 1_100 : some);
      expect((await sourceOf(replica)).record?.state).toBe('removed');
      expect(await namesOf(replica)).toEqual([]);
    }
  });
});
