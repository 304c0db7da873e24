import { describe, expect, it } from 'vitest';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import { Simulation } from '../../support/services/simulation.js';
import { historySeeds } from '../../support/services/histories.js';
import { openWorld } from '../../support/services/world.js';

const SEEDS = historySeeds();

/** Acknowledgements are tested elsewhere; here nodes never send any. */
const PATIENT = { ackMs: Number.MAX_SAFE_INTEGER, stallMs: Number.MAX_SAFE_INTEGER };
/** So little may wait that most commits overtake a reader that stalls. */
const TINY = { ...PATIENT, budgetBytes: 300, maxResets: Number.MAX_SAFE_INTEGER };

useFakeIntervals();

describe('random histories: list, get, watch and node agree at every quiet point, and explain', () => {
  it.each(SEEDS)('of seed %i, on one replica [W1, W2, W3, W4, W5, W6, W7, W9]', async (seed) => {
    await using world = await openWorld({ seed });
    const replica = await world.replica({ watchLimits: PATIENT });
    const simulation = new Simulation(world, [replica], seed);
    await simulation.begin(3);
    await simulation.run(60);
    expect(simulation.met.get('write')).toBeGreaterThan(20);
    expect(simulation.met.get('set')).toBeGreaterThan(5);
    expect(simulation.met.get('explained')).toBeGreaterThan(20);
    expect(replica.errors).toEqual([]);
  });

  it('meet every way to change who sees a server, and readers that go on [W7, W9, R5]', async () => {
    await using world = await openWorld();
    const simulation = new Simulation(world, [await world.replica({ watchLimits: PATIENT })], 300);
    await simulation.begin(3);
    await simulation.run(150);
    for (const way of ['grant', 'revoke', 'promote', 'demote', 'WRONG_TIER', 'resume'])
      expect(simulation.met.get(way), way).toBeGreaterThan(1);
  });

  it.each(SEEDS)('of seed %i, with readers that lag [W8, W12, W14, P20, P21]', async (seed) => {
    await using world = await openWorld({ seed });
    const replica = await world.replica({ watchLimits: TINY });
    const simulation = new Simulation(world, [replica], 100 + seed);
    await simulation.begin(3);
    await simulation.run(80);
    expect(simulation.met.get('reset lagged')).toBeGreaterThan(0);
    expect(replica.errors).toEqual([]);
  });

  it.each(SEEDS)('of seed %i, on two replicas of one log [W7, P8, P9, P15, P17]', async (seed) => {
    await using world = await openWorld({ seed });
    const replicas = [
      await world.replica({ watchLimits: TINY }),
      await world.replica({ watchLimits: PATIENT }),
    ];
    const simulation = new Simulation(world, replicas, 200 + seed);
    await simulation.begin(3);
    await simulation.run(80);
    expect(simulation.met.get('write')).toBeGreaterThan(20);
    for (const { errors } of replicas) expect(errors).toEqual([]);
  });
});
