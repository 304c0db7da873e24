import { describe, expect, it } from 'vitest';
import { isSwitchboardError } from '../../../src/domain/errors.js';
import { userView, type UserView } from '../../../src/domain/view.js';
import { eventually } from '../../support/eventually.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import { loadingFrom, ScriptedSource } from '../../support/loads/scripted-source.js';
import { appendGate, turns } from '../../support/services/append-gate.js';
import {
  create,
  get,
  openWorld,
  page,
  requestOf,
  TENANT,
  type Replica,
  type World,
} from '../../support/services/world.js';
import { reasonOf } from '../../support/reason-of.js';
import { idOfSourceRow } from '../../support/loads/row-ids.js';

// Loads of several users whose rows are one server.

useFakeIntervals();

const ana = userView('ana');
const boss = userView('boss');
const TEAM = { rowId: 'team', owner: 'boss' };
const TEAM_ID = idOfSourceRow('app-db', 'team');

const users = (count: number): readonly UserView[] =>
  Array.from({ length: count }, (_, at) => userView(`u${String(at)}`));

const names = async (replica: Replica, view: UserView): Promise<readonly string[]> =>
  (await page(replica, view)).value.servers.map(({ record }) => record.name);

const untilAsked = (source: ScriptedSource, count: number): Promise<void> =>
  eventually(() => {
    expect(source.asked.length).toBeGreaterThanOrEqual(count);
  });

/** Reads until it is answered, and waits as a client would. Returns how often it was refused. */
async function refusalsUntilRead(replica: Replica, view: UserView): Promise<number> {
  for (let refusals = 0; ; refusals += 1) {
    try {
      await page(replica, view);
      return refusals;
    } catch (error) {
      if (!isSwitchboardError(error, 'LOAD_CONFLICT')) throw error;
      replica.clock.now += error.retryDelayMs ?? 0;
    }
  }
}

describe('users who share a row', () => {
  it('do not make the loads of each other fail, 30 at once [P22, D7]', async () => {
    await using world = await openWorld();
    const source = new ScriptedSource();
    const all = users(30);
    for (const { user } of all) source.set(user, TEAM, { rowId: `of-${user}` });
    const privateLoads = await loadingFrom(source, { concurrency: 30 });
    const replica = await world.replica({ privateLoads });
    // Everybody is asked for before anybody's load is published.
    source.held = [];
    const reads = all.map((view) => reasonOf(page(replica, view)));
    await untilAsked(source, 30);
    source.release();
    const told = await Promise.all(reads);
    expect(told).toEqual(all.map(() => 'done'));
    expect(source.asked.length).toBe(30);
    for (const view of all) expect(await names(replica, view)).toEqual([`of-${view.user}`, 'team']);
  });

  it.each([1, 3])(
    'are asked for once each: 100 cold ones at %i replicas [P22, L1]',
    async (count) => {
      await using world = await openWorld();
      const source = new ScriptedSource();
      const all = users(100);
      for (const { user } of all) source.set(user, TEAM);
      const replicas: Replica[] = [];
      for (let at = 0; at < count; at += 1) {
        replicas.push(
          await world.replica({ relay: world.relay, privateLoads: await loadingFrom(source) }),
        );
      }
      const refusals = await Promise.all(
        all.map((view, at) => refusalsUntilRead(replicas[at % count]!, view)),
      );
      expect(source.asked.length).toBe(100);
      expect(new Set(refusals)).toEqual(new Set([0]));
      const ids = await Promise.all(
        all.map(async (view) => (await get(replicas[0]!, view, { name: 'team' })).value.record.id),
      );
      expect(new Set(ids)).toEqual(new Set([TEAM_ID]));
    },
  );
});

const purge = ({ services }: Replica, user: string) =>
  services.purgeUser(requestOf(), { user, requestId: '', reason: '', validateOnly: false });

async function generationsOf({ catalog }: World, id: string): Promise<readonly number[]> {
  const { revision: atLeast } = await catalog.log.head(TENANT);
  const read = await catalog.projections.versions(TENANT, { id, limit: 10 }, { atLeast });
  return read.value.map(({ generation }) => generation);
}

describe('a load that waits in the queue while its server is deleted', () => {
  it.each([
    ['by the commit before', async (replica: Replica) => purge(replica, 'boss')],
    [
      'by a commit of the same batch',
      async (replica: Replica, gate: ReturnType<typeof appendGate>) => {
        const other = create(replica, { name: 'other' });
        await eventually(() => {
          expect(gate.isTaken()).toBe(true);
        });
        return Promise.all([other, purge(replica, 'boss')]);
      },
    ],
  ])(
    'brings it back only after the source was asked again, %s [P2, P22]',
    async (_when, remove) => {
      await using world = await openWorld();
      const source = new ScriptedSource();
      source.set('boss', TEAM);
      source.set('ana', TEAM);
      const gate = appendGate();
      const privateLoads = await loadingFrom(source);
      const replica = await world.replica({ failpoint: gate.failpoint, privateLoads });
      expect(await names(replica, boss)).toEqual(['team']);
      source.held = [];
      const read = names(replica, ana);
      await untilAsked(source, 2);

      gate.close();
      const removed = remove(replica, gate);
      await eventually(() => {
        expect(gate.isTaken()).toBe(true);
      });
      await turns();
      source.release();
      await turns();
      gate.open();
      await removed;
      expect(await read).toContain('team');
      expect(await generationsOf(world, TEAM_ID)).toEqual([3, 2, 1]);
      expect(source.asked).toEqual(['boss', 'ana', 'ana']);
    },
  );
});
