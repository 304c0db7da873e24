import { describe, expect, it } from 'vitest';
import { userView } from '../../../src/domain/view.js';
import { eventually } from '../../support/eventually.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import { HOUR_MS } from '../../support/loads/scripted-source.js';
import { renameSource, replicaOf, sourceOf } from '../../support/services/sources.js';
import {
  catchUp,
  openWorld,
  page,
  remove,
  requestOf,
  TENANT,
  watch,
  type Replica,
  type World,
} from '../../support/services/world.js';
import { reasonOf } from '../../support/reason-of.js';
import { idOfSourceRow } from '../../support/loads/row-ids.js';

// What the source of a tenant is called: in the log, and in the configuration of each replica.

useFakeIntervals();

const ana = userView('ana');
const bob = userView('bob');

const headOf = async (world: World): Promise<number> =>
  (await world.catalog.log.head(TENANT)).revision;

const recordsOf = async (replica: Replica, view = ana) =>
  (await page(replica, view)).value.servers.map(({ record }) => record);

const namesOf = async (replica: Replica, view = ana): Promise<readonly string[]> =>
  (await recordsOf(replica, view)).map(({ name }) => name);

const load = ({ services }: Replica, user: string, force = false) =>
  services.loadPrivateServers(requestOf(), { user, force });

const statusOf = async ({ services }: Replica, user: string) =>
  (await services.getPrivateLoadStatus(requestOf(), { user })).value;

describe('two replicas whose configurations name different sources', () => {
  it('do not load in turns [P36]', async () => {
    await using world = await openWorld();
    const [crm, hub] = [await replicaOf(world, 'crm'), await replicaOf(world, 'hub')];
    for (const { source } of [crm, hub]) source.set('ana', { rowId: 'notes' });
    const following = [watch(crm.replica, ana)];
    await following[0]?.live;
    const before = await headOf(world);
    following.push(watch(hub.replica, ana));
    for (let round = 0; round < 20; round += 1) {
      for (const { replica } of [crm, hub]) {
        await catchUp(replica);
        expect(await namesOf(replica)).toEqual(['notes']);
      }
    }
    await following[1]?.live;
    expect((await headOf(world)) - before).toBe(0);
    expect([crm.source.asked, hub.source.asked]).toEqual([['ana'], []]);
    for (const { sink } of following) sink.disconnect();
  });

  it('refuse whoever needs a load at the wrong one, which reports it once for each change [P36]', async () => {
    await using world = await openWorld();
    const [crm, hub] = [await replicaOf(world, 'crm'), await replicaOf(world, 'hub')];
    await namesOf(crm.replica);
    const wanted = {
      reason: 'SOURCE_DIFFERS',
      metadata: { tenant_source: 'crm', configured_source: 'hub' },
      retryDelayMs: expect.any(Number) as number,
    };
    for (let round = 0; round < 3; round += 1) {
      await expect(page(hub.replica, bob)).rejects.toMatchObject(wanted);
      await expect(load(hub.replica, 'ana', true)).rejects.toMatchObject(wanted);
    }
    expect(await statusOf(hub.replica, 'bob')).toMatchObject({
      state: 'cold',
      source: 'crm',
      failure: wanted,
    });
    // Who is loaded is answered until the load is too old.
    expect(await namesOf(hub.replica)).toEqual([]);
    hub.replica.clock.now += HOUR_MS;
    await expect(page(hub.replica, ana)).rejects.toMatchObject(wanted);
    expect(hub.source.asked).toEqual([]);
    expect(hub.replica.errors).toEqual([expect.objectContaining(wanted)]);

    await renameSource(crm.replica, 'crm', 'web');
    await catchUp(hub.replica);
    await expect(page(hub.replica, bob)).rejects.toMatchObject({ reason: 'SOURCE_DIFFERS' });
    expect(hub.replica.errors).toHaveLength(2);
    expect(crm.replica.errors).toEqual([expect.objectContaining({ reason: 'SOURCE_DIFFERS' })]);
  });

  it('that load for the first time at once make one source of the tenant [P36]', async () => {
    await using world = await openWorld();
    const both = [await replicaOf(world, 'crm'), await replicaOf(world, 'hub')];
    for (const { source } of both) source.held = [];
    const views = [ana, bob];
    const reads = both.map(async ({ replica }, at) => page(replica, views[at]!));
    await eventually(() => {
      expect(both.map(({ source }) => source.asked.length)).toEqual([1, 1]);
    });
    for (const { source } of both) source.release();
    const refused = (await Promise.allSettled(reads)).filter(({ status }) => status === 'rejected');
    expect(refused).toMatchObject([{ reason: { reason: 'SOURCE_DIFFERS' } }]);
    expect(await headOf(world)).toBe(1);
  });

  it('of which one has none do not tell that a user has nothing [P36]', async () => {
    await using world = await openWorld();
    const crm = await replicaOf(world, 'crm');
    await namesOf(crm.replica);
    const bare = await world.replica();
    await expect(page(bare, bob)).rejects.toMatchObject({ reason: 'SOURCE_DIFFERS' });
    expect(await namesOf(bare)).toEqual([]);
    bare.clock.now += HOUR_MS;
    await expect(page(bare, ana)).rejects.toMatchObject({ reason: 'SOURCE_DIFFERS' });
  });
});

describe('a source that is renamed', () => {
  it('keeps its servers, which its loads change and delete [P36]', async () => {
    await using world = await openWorld();
    const [crm, hub] = [await replicaOf(world, 'crm'), await replicaOf(world, 'hub')];
    for (const { source } of [crm, hub]) source.set('ana', { rowId: 'a' }, { rowId: 'b' });
    const before = await recordsOf(crm.replica);
    expect(await sourceOf(crm.replica)).toMatchObject({ record: { name: 'crm' } });

    const renamed = await renameSource(crm.replica, 'crm', 'hub');
    expect(renamed.value.record).toEqual({
      name: 'hub',
      namespace: 'crm',
      state: 'active',
      formerNames: ['crm'],
      revision: renamed.position.revision,
    });
    await catchUp(hub.replica, renamed.position);
    expect(await recordsOf(hub.replica)).toEqual(before);
    expect(hub.source.asked).toEqual([]);

    hub.source.set('ana', { rowId: 'b', name: 'beta' });
    await load(hub.replica, 'ana', true);
    const after = await recordsOf(hub.replica);
    expect(after).toMatchObject([
      { id: idOfSourceRow('crm', 'b'), name: 'beta', privateSource: 'crm', generation: 2 },
    ]);
    expect(await reasonOf(remove(hub.replica, after[0]!))).toBe('MANAGED_BY_SOURCE');
    hub.source.set('ana');
    await load(hub.replica, 'ana', true);
    expect(await recordsOf(hub.replica)).toEqual([]);
    expect(await reasonOf(load(crm.replica, 'ana', true))).toBe('SOURCE_DIFFERS');
  });

  it('is loaded at once by replicas that waited for the name, whatever failed before [P36]', async () => {
    await using world = await openWorld();
    const [crm, hub] = [await replicaOf(world, 'crm'), await replicaOf(world, 'hub')];
    hub.source.set('bob', { rowId: 'mail' });
    await namesOf(crm.replica);
    expect(await reasonOf(page(hub.replica, bob))).toBe('SOURCE_DIFFERS');
    const renamed = await renameSource(crm.replica, 'crm', 'hub');
    await catchUp(hub.replica, renamed.position);
    expect(await namesOf(hub.replica, bob)).toEqual(['mail']);
    expect((await statusOf(hub.replica, 'bob')).failure).toBeUndefined();
  });

  it('while a load is under way lets nothing of that load in [P36, P22]', async () => {
    await using world = await openWorld();
    const { replica, source } = await replicaOf(world, 'crm');
    await namesOf(replica, bob);
    source.held = [];
    source.set('ana', { rowId: 'notes' });
    const read = reasonOf(page(replica, ana));
    await eventually(() => {
      expect(source.asked).toEqual(['bob', 'ana']);
    });
    await renameSource(replica, 'crm', 'hub');
    const before = await headOf(world);
    source.release();
    expect(await read).toBe('SOURCE_DIFFERS');
    expect(await headOf(world)).toBe(before);
  });

  it('is followed by the streams of its users [P36]', async () => {
    await using world = await openWorld();
    const [crm, hub] = [await replicaOf(world, 'crm'), await replicaOf(world, 'hub')];
    crm.source.set('ana', { rowId: 'notes' });
    await namesOf(crm.replica);
    const { sink, live } = watch(hub.replica, ana);
    await live;
    await crm.replica.services.invalidateUser(requestOf(), {
      user: 'ana',
      requestId: '',
      reason: '',
    });
    hub.source.set('ana', { rowId: 'files' });
    const renamed = await renameSource(crm.replica, 'crm', 'hub');
    await catchUp(hub.replica, renamed.position);
    // Nobody reads: the stream has it loaded.
    await eventually(() => {
      expect(hub.source.asked).toEqual(['ana']);
    });
    sink.disconnect();
  });

  it('is renamed only from the name that it has, and once [R3, P36]', async () => {
    await using world = await openWorld();
    const { replica } = await replicaOf(world, 'crm');
    expect(await reasonOf(renameSource(replica, 'crm', 'hub'))).toBe('SOURCE_MISMATCH');
    await namesOf(replica);
    await expect(renameSource(replica, 'old', 'hub')).rejects.toMatchObject({
      reason: 'SOURCE_MISMATCH',
      metadata: { tenant_source: 'crm' },
    });
    expect(await reasonOf(renameSource(replica, 'crm', 'A B'))).toBe('INVALID_FIELD');
    const before = await headOf(world);
    const planned = await renameSource(replica, 'crm', 'hub', { validateOnly: true });
    expect(planned.value.record).toMatchObject({ name: 'hub', namespace: 'crm' });
    expect(await headOf(world)).toBe(before);

    const first = await renameSource(replica, 'crm', 'hub', { requestId: 'r-1' });
    await renameSource(replica, 'hub', 'web');
    const again = await renameSource(replica, 'crm', 'hub', { requestId: 'r-1' });
    expect([again.value, again.position]).toEqual([first.value, first.position]);
    expect((await sourceOf(replica)).record).toMatchObject({ name: 'web', namespace: 'crm' });
    expect((await renameSource(replica, 'web', 'web')).position.revision).toBe(before + 2);
  });

  it('is known to a replica that opens the tenant later, also when its commit is compacted [P3, P36]', async () => {
    await using world = await openWorld();
    const crm = await replicaOf(world, 'crm');
    await namesOf(crm.replica);
    const { position } = await renameSource(crm.replica, 'crm', 'hub');
    const compacted = { answersBefore: Number.MAX_SAFE_INTEGER };
    expect(await world.catalog.log.compact(TENANT, position.revision, compacted)).toBe(2);
    const late = await replicaOf(world, 'hub');
    expect((await sourceOf(late.replica)).record).toEqual((await sourceOf(crm.replica)).record);
    expect(await namesOf(late.replica, bob)).toEqual([]);
  });
});

describe('the source of a tenant', () => {
  it('has no record before it is first configured', async () => {
    await using world = await openWorld();
    const { services } = await world.replica();
    expect((await services.getPrivateSource(requestOf())).value).toEqual({
      record: undefined,
      configuredName: '',
    });
  });
});
