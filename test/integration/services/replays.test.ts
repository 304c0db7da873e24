import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { SwitchboardError } from '../../../src/domain/errors.js';
import { userView } from '../../../src/domain/view.js';
import { CHUNK } from '../../../src/services/watch/snapshots.js';
import type { WatchLimits } from '../../../src/services/watch/watch-limits.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import { eventually } from '../../support/eventually.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import type { WatchFrame } from '../../support/services/encoders.js';
import { decodeFrames, RecordingSink } from '../../support/services/sinks.js';
import {
  create,
  openWorld,
  page,
  passTime,
  project,
  tokenOf,
  watch,
  type Replica,
  type World,
} from '../../support/services/world.js';
import { withMethods } from '../../support/storage/reads.js';

// A replica that has just started holds no recent commits: what a reader missed is in the log only.

useFakeIntervals();

const ana = userView('ana');
const SLICE_BYTES = 8_192;

/** The reads of a log in small slices: how many there were, and how many at once. */
interface Reads {
  count: number;
  atOnce: number;
  most: number;
  /** While it is set, reads wait here for the test. */
  held: (() => void)[] | undefined;
  failure: SwitchboardError | undefined;
}

/** A replica that has just started, and the reads of its log from now on. */
async function restarted(
  world: World,
  watchLimits: Partial<WatchLimits> = {},
): Promise<{ readonly replica: Replica; readonly reads: Reads }> {
  const reads: Reads = { count: 0, atOnce: 0, most: 0, held: undefined, failure: undefined };
  const catalog: Catalog = withMethods(world.catalog, {
    read: async (tenant, after, options) => {
      reads.count += 1;
      reads.atOnce += 1;
      reads.most = Math.max(reads.most, reads.atOnce);
      await new Promise<void>((resolve) => {
        if (reads.held === undefined) resolve();
        else reads.held.push(resolve);
      });
      try {
        if (reads.failure !== undefined) throw reads.failure;
        return await world.catalog.log.read(tenant, after, { ...options, limitBytes: SLICE_BYTES });
      } finally {
        reads.atOnce -= 1;
      }
    },
  });
  await project(world);
  const replica = await world.replica({ catalog, watchLimits });
  await page(replica, ana);
  Object.assign(reads, { count: 0, most: 0 });
  return { replica, reads };
}

/** Many commits, and the tokens of all of them. */
async function manyCommits(world: World, count: number): Promise<readonly string[]> {
  const replica = await world.replica();
  const names = Array.from({ length: count }, (_, n) => `n${String(n)}`);
  const written = await Promise.all(names.map((name) => create(replica, { name })));
  return written.map(({ position }) => tokenOf(position, ana));
}

describe('replays after a restart', () => {
  it('of 100 watchers from the same place read the log as often as one [P21, W7]', async () => {
    await using world = await openWorld();
    const [resumeToken = ''] = await manyCommits(world, 60);
    const alone = await restarted(world);
    await watch(alone.replica, ana, { resumeToken }).live;
    expect(alone.reads.count).toBeGreaterThan(2);
    const { replica, reads } = await restarted(world);
    const streams = Array.from({ length: 100 }, () => watch(replica, ana, { resumeToken }));
    await Promise.all(streams.map(({ live }) => live));
    expect(reads.count).toBe(alone.reads.count);
    for (const { sink } of streams) {
      const frames = decodeFrames<WatchFrame>(sink);
      expect(frames[0]).toMatchObject({ kind: 'synced', revision: 1 });
      expect(frames.at(-1)).toMatchObject({ kind: 'closing', revision: 60 });
      expect(frames.filter(({ kind }) => kind === 'closing')).toHaveLength(59);
    }
  });

  it('from 100 places are under way for 16 at once, and none is left out [P21, W7]', async () => {
    await using world = await openWorld();
    const tokens = (await manyCommits(world, 101)).slice(0, 100);
    const { replica, reads } = await restarted(world);
    reads.held = [];
    const streams = tokens.map((resumeToken) => watch(replica, ana, { resumeToken }));
    await eventually(() => {
      expect(reads.held?.length).toBeGreaterThanOrEqual(16);
    });
    for (let turn = 0; turn < 100; turn += 1) await nextTurn();
    const waiting = reads.held;
    reads.held = undefined;
    expect(waiting).toHaveLength(16);
    for (const go of waiting) go();
    await Promise.all(streams.map(({ live }) => live));
    expect(reads.most).toBeLessThanOrEqual(16);
    for (const { sink } of streams) {
      expect(decodeFrames<WatchFrame>(sink).at(-1)).toMatchObject({
        kind: 'closing',
        revision: 101,
      });
    }
  });

  it('tell of a bounded number of changes in a turn [P21]', async () => {
    await using world = await openWorld();
    const [resumeToken = ''] = await manyCommits(world, 5 * CHUNK);
    await project(world);
    const replica = await world.replica();
    await page(replica, ana);
    const { sink, live } = watch(replica, ana, { resumeToken });
    const state = { isOver: false, before: 0, most: 0 };
    void live.finally(() => (state.isOver = true));
    while (!state.isOver) {
      await nextTurn();
      state.most = Math.max(state.most, sink.frames.length - state.before);
      state.before = sink.frames.length;
    }
    await live;
    expect(sink.frames.length).toBeGreaterThanOrEqual(5 * CHUNK);
    // A change is two frames at most, and two turns of the replay may lie between two looks.
    expect(state.most).toBeLessThanOrEqual(2 * 2 * CHUNK);
  });

  it('do not wait for readers that are slow in theirs [W12, P21]', async () => {
    await using world = await openWorld();
    const [resumeToken = ''] = await manyCommits(world, 60);
    const { replica } = await restarted(world, { budgetBytes: 1_000 });
    const slow = Array.from({ length: 16 }, () => new RecordingSink());
    for (const sink of slow) {
      sink.stall(5);
      watch(replica, ana, { resumeToken, sink }).live.catch(() => undefined);
    }
    await eventually(() => {
      for (const sink of slow) expect(sink.isBlocked).toBe(true);
    });
    const { sink, live } = watch(replica, ana, { resumeToken });
    await live;
    expect(decodeFrames<WatchFrame>(sink).at(-1)).toMatchObject({ revision: 60 });
    expect(slow.every(({ isBlocked }) => isBlocked)).toBe(true);
    // And they get everything once they read again.
    for (const each of slow) each.release();
    for (const each of slow) {
      await eventually(() => {
        const frames = decodeFrames<WatchFrame>(each);
        expect(frames.filter(({ kind }) => kind === 'closing')).toHaveLength(59);
      });
    }
  });

  it('that are taken too slowly are cut, however little at a time [W12, P21]', async () => {
    await using world = await openWorld();
    const [resumeToken = ''] = await manyCommits(world, 60);
    const limits = { budgetBytes: 1_000, stallMs: 3_000, minBytesPerSecond: 1_000 };
    const { replica } = await restarted(world, limits);
    const [slow, quick] = [new RecordingSink(), new RecordingSink()];
    for (const sink of [slow, quick]) {
      sink.stall();
      watch(replica, ana, { resumeToken, sink }).live.catch(() => undefined);
    }
    for (let second = 0; second < 3; second += 1) {
      for (const sink of [slow, quick]) await eventually(() => expect(sink.isBlocked).toBe(true));
      expect(slow.ended).toBeUndefined();
      passTime(replica, 1_000);
      slow.release(1);
      quick.release(12);
    }
    expect(slow.ended?.error?.reason).toBe('SLOW_CONSUMER');
    expect(quick.bytes).toBeGreaterThan(3 * 1_000);
    expect(quick.ended).toBeUndefined();
  });

  it('do not count the time for which the log is read against their readers [P21]', async () => {
    await using world = await openWorld();
    const [resumeToken = ''] = await manyCommits(world, 60);
    const limits = { budgetBytes: 1_000, stallMs: 3_000, minBytesPerSecond: 1_000 };
    const { replica, reads } = await restarted(world, limits);
    reads.held = [];
    const { sink, live } = watch(replica, ana, { resumeToken });
    await eventually(() => expect(reads.held).toHaveLength(1));
    passTime(replica, 60_000);
    sink.stall();
    for (const go of reads.held) go();
    reads.held = undefined;
    await eventually(() => expect(sink.isBlocked).toBe(true));
    passTime(replica, 2_000);
    sink.release();
    await live;
    expect(decodeFrames<WatchFrame>(sink).at(-1)).toMatchObject({ revision: 60 });
  });

  it('that fail to read the log fail by themselves: the next one reads it again [W7]', async () => {
    await using world = await openWorld();
    const [resumeToken = ''] = await manyCommits(world, 20);
    const { replica, reads } = await restarted(world);
    reads.failure = new SwitchboardError('CATALOG_UNAVAILABLE', 'no route');
    await expect(watch(replica, ana, { resumeToken }).live).rejects.toMatchObject({
      reason: 'CATALOG_UNAVAILABLE',
    });
    reads.failure = undefined;
    const { sink, live } = watch(replica, ana, { resumeToken });
    await live;
    const frames = decodeFrames<WatchFrame>(sink);
    expect(frames.at(-1)).toMatchObject({ kind: 'closing', revision: 20 });
  });
});
