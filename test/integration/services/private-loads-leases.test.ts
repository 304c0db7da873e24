import { describe, expect, it } from 'vitest';
import { APP_VIEW, userView, type UserView } from '../../../src/domain/view.js';
import { eventually } from '../../support/eventually.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import { HOUR_MS, loadingFrom, ScriptedSource } from '../../support/loads/scripted-source.js';
import {
  catchUp,
  openWorld,
  page,
  requestOf,
  TENANT,
  type Replica,
  type World,
} from '../../support/services/world.js';
import { ScriptedLeases } from '../../support/storage/scripted-leases.js';

// What becomes of loads when leases are lost, stolen or not to be had.

useFakeIntervals();

const ana = userView('ana');
const KEY = `private-load/${TENANT}/ana`;

const names = async (replica: Replica, view: UserView): Promise<readonly string[]> =>
  (await page(replica, view)).value.servers.map(({ record }) => record.name);

const untilAsked = (source: ScriptedSource, count: number): Promise<void> =>
  eventually(() => {
    expect(source.asked.length).toBeGreaterThanOrEqual(count);
  });

/** Lets everything that waits for nothing but its turn go on. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Replicas of one source that share leases, and a relay. */
async function openFleet(world: World, count: number, random = () => 0) {
  const source = new ScriptedSource();
  source.set('ana', { rowId: 'notes' });
  const leases = await ScriptedLeases.open();
  const replicas: Replica[] = [];
  for (let at = 0; at < count; at += 1) {
    const loading = await loadingFrom(source, {}, Promise.resolve(leases));
    const privateLoads = { ...loading, random };
    replicas.push(await world.replica({ relay: world.relay, privateLoads }));
  }
  return { source, leases, replicas };
}

describe('a load whose lease is lost', () => {
  it('while the source is asked goes on, and fails nobody who waits for it [L4]', async () => {
    await using world = await openWorld();
    const { source, leases, replicas } = await openFleet(world, 1);
    const [replica] = replicas;
    source.held = [];
    const read = names(replica!, ana);
    await untilAsked(source, 1);
    leases.lose(KEY);
    await turns();
    source.release();
    expect(await read).toEqual(['notes']);
    expect(source.asked).toEqual(['ana']);
  });

  it('to a replica that asks as well is published once, and nobody asks a third time [L1, L4, P22]', async () => {
    await using world = await openWorld();
    const { source, leases, replicas } = await openFleet(world, 2);
    source.held = [];
    const reads = [names(replicas[0]!, ana)];
    await untilAsked(source, 1);
    reads.push(names(replicas[1]!, ana));
    await turns();
    expect(source.asked.length).toBe(1);
    leases.lose(KEY);
    await untilAsked(source, 2);
    source.release();
    expect(await Promise.all(reads)).toEqual([['notes'], ['notes']]);
    expect(source.asked.length).toBe(2);
    expect((await world.catalog.log.head(TENANT)).revision).toBe(1);
  });

  it('before the source was asked waits for the lease again, and takes what the other loaded [L1, L4]', async () => {
    await using world = await openWorld();
    const { source, leases, replicas } = await openFleet(world, 1);
    const other = await world.replica({
      relay: world.relay,
      privateLoads: await loadingFrom(source),
    });
    leases.onHeld = (key) => {
      leases.onHeld = undefined;
      leases.steal(key);
    };
    const read = names(replicas[0]!, ana);
    await turns();
    expect(source.asked).toEqual([]);
    expect(await names(other, ana)).toEqual(['notes']);
    expect(await read).toEqual(['notes']);
    expect(source.asked).toEqual(['ana']);
  });
});

describe('who waits for the lease of another', () => {
  it('is woken by the commit of the load, though the lease is not released [L4, P22]', async () => {
    await using world = await openWorld();
    const { source, leases, replicas } = await openFleet(world, 2);
    source.held = [];
    const first = names(replicas[0]!, ana);
    await untilAsked(source, 1);
    const second = names(replicas[1]!, ana);
    await turns();
    // As if the holder died right after its commit.
    leases.steal(KEY);
    source.release();
    expect(await first).toEqual(['notes']);
    expect(await second).toEqual(['notes']);
    expect(source.asked).toEqual(['ana']);
  });

  it('by force waits on: what was begun before is not what it wants [P26]', async () => {
    await using world = await openWorld();
    const { source, replicas } = await openFleet(world, 2);
    source.held = [];
    const first = names(replicas[0]!, ana);
    await untilAsked(source, 1);
    const forced = replicas[1]!.services.loadPrivateServers(requestOf(), {
      user: 'ana',
      force: true,
    });
    await turns();
    source.set('ana', { rowId: 'newer' });
    source.release();
    expect(await first).toEqual(['notes']);
    await forced;
    expect(await names(replicas[1]!, ana)).toEqual(['newer']);
    expect(source.asked).toEqual(['ana', 'ana']);
  });
});

describe('leases that cannot be had', () => {
  it('keep nobody from loading [L1, D20]', async () => {
    await using world = await openWorld();
    const { source, leases, replicas } = await openFleet(world, 2);
    leases.takeDown();
    source.held = [];
    const reads = replicas.map((replica) => names(replica, ana));
    await untilAsked(source, 2);
    source.release();
    expect(await Promise.all(reads)).toEqual([['notes'], ['notes']]);
    expect(source.asked.length).toBe(2);
    leases.bringUp();
    await replicas[0]!.services.loadPrivateServers(requestOf(), { user: 'ana', force: true });
    expect(source.asked.length).toBe(3);
  });

  it('any more let those who wait load [L4]', async () => {
    await using world = await openWorld();
    const { source, leases, replicas } = await openFleet(world, 2);
    source.held = [];
    const first = names(replicas[0]!, ana);
    await untilAsked(source, 1);
    const second = names(replicas[1]!, ana);
    await turns();
    leases.takeDown();
    await untilAsked(source, 2);
    source.release();
    expect(await Promise.all([first, second])).toEqual([['notes'], ['notes']]);
  });
});

describe('a slot towards the source', () => {
  it('is taken before the lease, so that who holds a lease waits for nobody', async () => {
    await using world = await openWorld();
    const source = new ScriptedSource();
    const leases = await ScriptedLeases.open();
    const [busy, idle] = [
      await world.replica({
        privateLoads: await loadingFrom(source, { concurrency: 1 }, Promise.resolve(leases)),
      }),
      await world.replica({
        privateLoads: await loadingFrom(source, { concurrency: 1 }, Promise.resolve(leases)),
      }),
    ];
    source.held = [];
    const blocking = names(busy, userView('bob'));
    await untilAsked(source, 1);
    const queued = names(busy, ana);
    await turns();
    // Were the lease held already, this one would wait for a replica that only waits itself.
    const other = names(idle, ana);
    await untilAsked(source, 2);
    expect(source.asked).toEqual(['bob', 'ana']);
    source.release();
    expect(await Promise.all([blocking, queued, other])).toEqual([[], [], []]);
    expect(source.asked).toEqual(['bob', 'ana']);
  });
});

describe('the refresh of a load', () => {
  it('is begun at 80 % by the replica that published it, and later by the others [P25]', async () => {
    await using world = await openWorld();
    const { source, replicas } = await openFleet(world, 2, () => 0.5);
    const [publisher, other] = replicas;
    // Who has the tenant open sees the commit of the load.
    await page(other!, APP_VIEW);
    await names(publisher!, ana);
    await catchUp(other!);
    const readAt = async (replica: Replica, part: number): Promise<number> => {
      replica.clock.now = part * HOUR_MS;
      await names(replica, ana);
      await turns();
      return source.asked.length;
    };
    expect(await readAt(publisher!, 0.79)).toBe(1);
    expect(await readAt(other!, 0.81)).toBe(1);
    source.held = [];
    expect(await readAt(publisher!, 0.81)).toBe(2);
    source.release();
    await turns();
    // The others know of the new load, and count from there.
    expect(await readAt(other!, 0.99)).toBe(2);
  });

  it('is begun by another replica before the load is too old, if the publisher is gone [P25]', async () => {
    await using world = await openWorld();
    const { source, replicas } = await openFleet(world, 2, () => 1);
    const [publisher, other] = replicas;
    await page(other!, APP_VIEW);
    await names(publisher!, ana);
    await catchUp(other!);
    other!.clock.now = 0.96 * HOUR_MS;
    expect(await names(other!, ana)).toEqual(['notes']);
    await untilAsked(source, 2);
  });
});
