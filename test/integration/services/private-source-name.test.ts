import { describe, expect, it } from 'vitest';
import { isSwitchboardError } from '../../../src/domain/errors.js';
import { userView } from '../../../src/domain/view.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import { loadingFrom, ScriptedSource } from '../../support/loads/scripted-source.js';
import {
  catchUp,
  openWorld,
  page,
  TENANT,
  type Replica,
  type World,
} from '../../support/services/world.js';

useFakeIntervals();

const ana = userView('ana');

interface Configured {
  readonly replica: Replica;
  readonly source: ScriptedSource;
}

/** A replica whose configuration calls the source of every tenant `name`. */
async function replicaWith(world: World, name: string): Promise<Configured> {
  const source = new ScriptedSource(name);
  source.set('ana', { rowId: 'notes' });
  const relay = world.relay;
  return {
    source,
    replica: await world.replica({ relay, privateLoads: await loadingFrom(source) }),
  };
}

const headOf = async (world: World): Promise<number> => (await world.catalog.head(TENANT)).revision;

describe('two replicas whose configurations name different sources', () => {
  it('do not load in turns', async () => {
    await using world = await openWorld();
    const [crm, hub] = [await replicaWith(world, 'crm'), await replicaWith(world, 'hub')];
    await page(crm.replica, ana);
    await page(hub.replica, ana).catch((error: unknown) => {
      if (!isSwitchboardError(error)) throw error;
    });
    const before = await headOf(world);
    for (let round = 0; round < 20; round += 1) {
      for (const { replica } of [crm, hub]) {
        await catchUp(replica);
        await page(replica, ana);
      }
    }
    console.log(
      'commits',
      (await headOf(world)) - before,
      crm.source.asked.length,
      hub.source.asked.length,
    );
    expect((await headOf(world)) - before).toBe(0);
  });
});
