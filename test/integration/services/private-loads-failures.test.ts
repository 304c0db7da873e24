import { describe, expect, it } from 'vitest';
import { SwitchboardError } from '../../../src/domain/errors.js';
import { userView, type UserView } from '../../../src/domain/view.js';
import { eventually } from '../../support/eventually.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import { HOUR_MS, loadingFrom, ScriptedSource } from '../../support/loads/scripted-source.js';
import {
  openWorld,
  page,
  requestOf,
  TENANT,
  type Replica,
  type World,
} from '../../support/services/world.js';
import type { RelayedLoadFailure } from '../../../src/storage/relay.js';
import { withMethods } from '../../support/storage/reads.js';
import { ScriptedLeases } from '../../support/storage/scripted-leases.js';
import { reasonOf } from '../../support/reason-of.js';

// Loads that fail at one replica, and what the others do about it.

useFakeIntervals();

const ana = userView('ana');

const names = async (replica: Replica, view: UserView): Promise<readonly string[]> =>
  (await page(replica, view)).value.servers.map(({ record }) => record.name);

const reload = ({ services }: Replica) =>
  services.loadPrivateServers(requestOf(), { user: 'ana', force: true });

/** Lets everything that waits for nothing but its turn go on. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

async function openFleet(world: World, count: number) {
  const source = new ScriptedSource();
  source.set('ana', { rowId: 'notes' });
  const leases = ScriptedLeases.open();
  const replicas: Replica[] = [];
  for (let at = 0; at < count; at += 1) {
    const privateLoads = await loadingFrom(source, {}, leases);
    replicas.push(await world.replica({ relay: world.relay, privateLoads }));
  }
  return { source, leases: await leases, replicas };
}

describe('a source that fails for a user', () => {
  it('is not asked by each replica: they hear of it, and wait as long [L4, P26]', async () => {
    await using world = await openWorld();
    const { source, replicas } = await openFleet(world, 4);
    source.failure = new SwitchboardError('SOURCE_UNAVAILABLE', 'no route');
    expect(await reasonOf(page(replicas[0]!, ana))).toBe('SOURCE_UNAVAILABLE');
    await turns();
    for (const replica of replicas) {
      const error = await page(replica, ana).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ reason: 'SOURCE_UNAVAILABLE', message: 'no route' });
      expect((error as SwitchboardError).retryDelayMs).toBe(800);
    }
    expect(source.asked).toEqual(['ana']);

    // Each counts the time on its own clock; the next failure is the second for all of them.
    for (const replica of replicas) replica.clock.now += 801;
    expect(await reasonOf(page(replicas[1]!, ana))).toBe('SOURCE_UNAVAILABLE');
    await turns();
    for (const replica of replicas) {
      const error = await page(replica, ana).catch((reason: unknown) => reason);
      expect((error as SwitchboardError).retryDelayMs).toBe(1_600);
    }
    expect(source.asked).toEqual(['ana', 'ana']);
  });

  it('is not asked by those either who wait for the lease of the replica that asks [L4, P26]', async () => {
    await using world = await openWorld();
    const { source, replicas } = await openFleet(world, 4);
    source.held = [];
    const reads = replicas.map((replica) => reasonOf(page(replica, ana)));
    await eventually(() => {
      expect(source.held).toHaveLength(1);
    });
    await turns();
    const [question] = source.held;
    source.failure = new SwitchboardError('SOURCE_UNAVAILABLE');
    question?.fail(source.failure);
    expect(await Promise.all(reads)).toEqual(replicas.map(() => 'SOURCE_UNAVAILABLE'));
    expect(source.asked).toEqual(['ana']);
  });

  it('is asked again when a load is forced, and who loads ends the waiting everywhere [P26]', async () => {
    await using world = await openWorld();
    const { source, replicas } = await openFleet(world, 2);
    const [near, far] = replicas;
    source.failure = new SwitchboardError('SOURCE_UNAVAILABLE');
    expect(await reasonOf(page(near!, ana))).toBe('SOURCE_UNAVAILABLE');
    await turns();
    source.failure = undefined;
    await reload(far!);
    await turns();
    for (const replica of replicas) {
      expect(await names(replica, ana)).toEqual(['notes']);
      const { value } = await replica.services.getPrivateLoadStatus(requestOf(), { user: 'ana' });
      expect(value.failure).toBeUndefined();
    }
    expect(source.asked).toEqual(['ana', 'ana']);
  });

  it('is waited out by the refreshes of other replicas as well [P25, P26]', async () => {
    await using world = await openWorld();
    const { source, replicas } = await openFleet(world, 3);
    for (const replica of replicas) {
      expect(await names(replica, ana)).toEqual(['notes']);
      replica.clock.now = 0.97 * HOUR_MS;
    }
    source.failure = new SwitchboardError('SOURCE_UNAVAILABLE');
    for (const replica of replicas) {
      expect(await names(replica, ana)).toEqual(['notes']);
      await turns();
    }
    expect(source.asked).toEqual(['ana', 'ana']);
  });

  it('under another name, or before a newer load, concerns nobody', async () => {
    await using world = await openWorld();
    const { source, replicas } = await openFleet(world, 1);
    const [replica] = replicas;
    expect(await names(replica!, ana)).toEqual(['notes']);
    const told: RelayedLoadFailure = {
      kind: 'load-failed',
      tenant: TENANT,
      user: 'ana',
      source: source.name,
      loadRevision: 1,
      reason: 'SOURCE_UNAVAILABLE',
      message: 'down',
      attempts: 1,
      retryDelayMs: 60_000,
    };
    world.relay.publish({ ...told, source: 'another' });
    world.relay.publish({ ...told, loadRevision: 0 });
    world.relay.publish({ ...told, tenant: 'globex' });
    await turns();
    replica!.clock.now = HOUR_MS;
    expect(await names(replica!, ana)).toEqual(['notes']);
    replica!.clock.now += HOUR_MS;
    world.relay.publish({ ...told, loadRevision: 2 });
    await turns();
    expect(await reasonOf(page(replica!, ana))).toBe('SOURCE_UNAVAILABLE');
  });

  it('is told to all, but a Catalog that fails concerns the replica that uses it', async () => {
    await using world = await openWorld();
    const { source, replicas } = await openFleet(world, 1);
    const failing = await world.replica({
      relay: world.relay,
      privateLoads: await loadingFrom(source),
      catalog: withMethods(world.catalog, {
        append: () => Promise.reject(new SwitchboardError('CATALOG_UNAVAILABLE')),
      }),
    });
    expect(await reasonOf(page(failing, ana))).toBe('OUTCOME_UNKNOWN');
    await turns();
    expect(await names(replicas[0]!, ana)).toEqual(['notes']);
  });
});
