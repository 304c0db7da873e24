import { describe, expect, it } from 'vitest';
import { openMemoryLeases } from '../../../src/storage/leases/memory/memory-leases.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import { loadingFrom } from '../../support/loads/scripted-source.js';
import { TestDatabase } from '../../support/services/database.js';
import { isRefusal, TTL_MS } from '../../support/services/loads.js';
import { Simulation } from '../../support/services/simulation.js';
import { historySeeds } from '../../support/services/histories.js';
import { openWorld, TENANT, type Replica, type World } from '../../support/services/world.js';

const SEEDS = historySeeds();
const PATIENT = { ackMs: Number.MAX_SAFE_INTEGER, stallMs: Number.MAX_SAFE_INTEGER };

useFakeIntervals();

interface Histories {
  readonly seed: number;
  /** Without shared ones every replica thinks that it alone loads: as after a lost lease. */
  readonly sharesLeases: boolean;
}

async function simulate(world: World, { seed, sharesLeases }: Histories): Promise<Simulation> {
  const database = new TestDatabase(world.catalog, TENANT);
  const leases = openMemoryLeases();
  const replicas: Replica[] = [];
  for (let index = 0; index < 2; index += 1) {
    const privateLoads = await loadingFrom(
      database,
      { ttlMs: TTL_MS },
      sharesLeases ? leases : openMemoryLeases(),
    );
    replicas.push(
      await world.replica({
        watchLimits: PATIENT,
        upstreamLimits: { giveUpAfterMs: Number.MAX_SAFE_INTEGER },
        privateLoads,
      }),
    );
  }
  const simulation = new Simulation(world, replicas, seed, database);
  await simulation.begin(3);
  await simulation.run(100);
  for (const { errors } of replicas)
    expect(errors.filter((error) => !isRefusal(error))).toEqual([]);
  return simulation;
}

describe('random histories with loads: list, get, watch, node and explain agree', () => {
  it.each(SEEDS)('of seed %i, and no load is older than it may be [L1, L2, W9]', async (seed) => {
    await using world = await openWorld({ seed });
    const { met } = await simulate(world, { seed: 400 + seed, sharesLeases: true });
    expect(met.get('loaded')).toBeGreaterThan(0);
  });

  it.each(SEEDS)('of seed %i, also when the lease is lost [L1, L2, P22]', async (seed) => {
    await using world = await openWorld({ seed });
    const { met } = await simulate(world, { seed: 500 + seed, sharesLeases: false });
    expect(met.get('loaded')).toBeGreaterThan(0);
  });
});
