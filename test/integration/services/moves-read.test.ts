import { describe, expect, it } from 'vitest';
import { isSwitchboardError } from '../../../src/domain/errors.js';
import type { ServerRecord } from '../../../src/domain/server.js';
import type { Tier } from '../../../src/domain/tier.js';
import { APP_VIEW, userView, type View } from '../../../src/domain/view.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import { readStream, violationsOf } from '../../support/checkers/checkers.js';
import { Oracle } from '../../support/history/oracle.js';
import { demote, grantsOf, promote, setAccess } from '../../support/services/access.js';
import type { WatchFrame } from '../../support/services/encoders.js';
import {
  catchUp,
  create,
  get,
  openWorld,
  page,
  TENANT,
  watch,
  type Replica,
} from '../../support/services/world.js';
import { decodeFrames } from '../../support/services/sinks.js';

/** `SWITCHBOARD_LONG=1` makes as many as a release is tried with; that takes minutes. */
const LONG = process.env['SWITCHBOARD_LONG'] === '1';
const MOVES = LONG ? 10_000 : 60;
const LISTS = LONG ? 1_000 : 20;
const patience = LONG ? { timeout: 3_600_000 } : {};

const ana = userView('ana');
const bob = userView('bob');

useFakeIntervals();

interface ReadingLoop {
  /** Resolves when it has read once more; rejects if a read failed. */
  another(): Promise<void>;
  stop(): Promise<void>;
}

/** Calls `read` again and again, in between all else, until stopped. */
function reading(read: () => Promise<void>): ReadingLoop {
  let stopped = false;
  const waiting: (() => void)[] = [];
  const run = async (): Promise<void> => {
    while (!stopped) {
      await read();
      for (const resolve of waiting.splice(0)) resolve();
      await new Promise<void>((resolve) => void setImmediate(resolve));
    }
  };
  const running = run();
  running.catch(() => undefined);
  return {
    another: () => Promise.race([running, new Promise<void>((resolve) => waiting.push(resolve))]),
    stop: () => {
      stopped = true;
      return running;
    },
  };
}

/** Writes go on while others read, and now and then wait until all of them have read. */
async function keepPace(loops: readonly ReadingLoop[], round: number): Promise<void> {
  if (round % 4 === 0) await Promise.all(loops.map((loop) => loop.another()));
}

/** The servers that the view has, both as a list and by the name. */
async function seen(replica: Replica, view: View): Promise<readonly ServerRecord[]> {
  const { value, position } = await page(replica, view);
  const listed = value.servers.map(({ record }) => record);
  try {
    const got = await get(replica, view, { name: 'files' });
    if (got.position.revision === position.revision)
      expect(listed).toContainEqual(got.value.record);
  } catch (error) {
    if (!isSwitchboardError(error, 'SERVER_NOT_FOUND')) throw error;
  }
  return listed;
}

const movedSpec = (record: ServerRecord, tier: Tier, round: number) => ({
  ...record.spec,
  title: `${tier} ${String(round)}`,
});

describe(`${String(MOVES)} moves between the tiers under reading loops`, () => {
  it('show never none, never two, and never a mixture [R5, W4, W9, D14]', patience, async () => {
    await using world = await openWorld();
    const { relay } = world;
    const near = await world.replica({ relay });
    const far = await world.replica({ relay });
    const { value: own } = await create(near, { name: 'files', owner: 'bob' });
    let { value: record } = await create(near, { name: 'files', owner: 'ana', title: 'PRIVATE' });

    const check = (view: View, records: readonly ServerRecord[]): void => {
      if (view === ana || view === bob) expect(records).toHaveLength(1);
      else expect(records.length).toBeLessThanOrEqual(1);
      for (const { id, tier, owner, spec, scope } of records) {
        if (id === own.id) expect(view).toBe(bob);
        else expect(spec.title.split(' ')[0]).toBe(tier);
        expect(owner === undefined).toBe(tier !== 'PRIVATE');
        expect(scope).toBe(tier === 'APP' ? 'shared' : 'user');
      }
    };
    const views: readonly View[] = [ana, bob, userView('stranger'), APP_VIEW];
    const streams = views.map((view) => ({ view, ...watch(far, view) }));
    await Promise.all(streams.map(({ live }) => live));
    const loops = [near, far].flatMap((replica) =>
      views.map((view) => reading(async () => check(view, await seen(replica, view)))),
    );
    for (let round = 0; round < MOVES; round += 1) {
      const tier = (['APP', 'PRIVATE', 'USER', 'PRIVATE'] as const)[round % 4] ?? 'APP';
      const spec = movedSpec(record, tier, round);
      const { value } = await (tier === 'PRIVATE'
        ? demote(near, record, { owner: 'ana', spec })
        : promote(near, record, { tier, spec }));
      ({ record } = value);
      await keepPace(loops, round);
    }
    for (const loop of loops) await loop.stop();
    await catchUp(far);
    const oracle = new Oracle();
    await oracle.extend(world.catalog, TENANT);
    for (const { view, sink } of streams) {
      const stream = { view, frames: decodeFrames<WatchFrame>(sink) };
      expect(violationsOf(stream, oracle)).toEqual([]);
      if (view !== ana && view !== bob) continue;
      const sizes = readStream(stream).flatMap(({ upTo, contents }) =>
        upTo === undefined ? [] : [contents.size],
      );
      expect(new Set(sizes)).toEqual(new Set([1]));
    }
  });
});

describe(`${String(LISTS)} access lists, each in the place of the one before`, () => {
  it(
    'are read as one of them, and who is on both never loses sight [R5, P4]',
    patience,
    async () => {
      await using world = await openWorld();
      const { relay } = world;
      const near = await world.replica({ relay });
      const far = await world.replica({ relay });
      const users = (letter: string): readonly string[] =>
        Array.from({ length: 50 }, (_, at) => `user:${letter}${String(at)}`);
      const lists = [users('a'), users('b')].map((list) => [...list, 'user:both']);
      const { value: made } = await create(near, { name: 'files', owner: 'zoe' });
      let { record } = (await setAccess(near, made, { subjects: lists[0]! })).value;
      const since = record.revision;

      const readList = async (replica: Replica): Promise<void> => {
        const { value } = await grantsOf(replica, record);
        const subjects = value.grants.map(({ subject }) => subject);
        expect(lists.some((list) => list.toSorted().join() === subjects.join())).toBe(true);
        const [kept] = value.grants.filter(({ subject }) => subject === 'user:both');
        expect(kept?.revision).toBe(since);
      };
      const sees = async (replica: Replica, user: string) => {
        const { value, position } = await page(replica, userView(user));
        return { count: value.servers.length, at: position.revision };
      };
      const readSight = async (replica: Replica): Promise<void> => {
        expect((await sees(replica, 'both')).count).toBe(1);
        const [a, b] = [await sees(replica, 'a0'), await sees(replica, 'b0')];
        if (a.at === b.at) expect(a.count + b.count).toBe(1);
      };
      const loops = [near, far].flatMap((replica) => [
        reading(() => readList(replica)),
        reading(() => readSight(replica)),
      ]);
      for (let round = 1; round <= LISTS; round += 1) {
        const answer = await setAccess(near, record, { subjects: lists[round % 2]! });
        expect([answer.value.added.length, answer.value.removed.length]).toEqual([50, 50]);
        ({ record } = answer.value);
        await keepPace(loops, round);
      }
      for (const loop of loops) await loop.stop();
    },
  );
});
