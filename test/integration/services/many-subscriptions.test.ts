import { afterEach, describe, expect, it, vi } from 'vitest';
import { APP_VIEW, userView, type ReaderView } from '../../../src/domain/view.js';
import { WatchHub } from '../../../src/services/watch/hub.js';
import { NodeAudience } from '../../../src/services/watch/node-audience.js';
import { CHUNK } from '../../../src/services/watch/snapshots.js';
import { eventually } from '../../support/eventually.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import { mostPerTurn } from '../../support/most-per-turn.js';
import type { SyncFrame } from '../../support/services/encoders.js';
import { decodeFrames, RecordingSink } from '../../support/services/sinks.js';
import { create, openNode, openWorld } from '../../support/services/world.js';

useFakeIntervals();

afterEach(() => {
  vi.restoreAllMocks();
});

const MANY = 10_000;
const app = new Map<string, ReaderView>([['app', APP_VIEW]]);

describe('10,000 subscriptions of one node', () => {
  it('that come during a snapshot count towards the limit, and are added a chunk in a turn [P20, P21]', async () => {
    await using world = await openWorld();
    const replica = await world.replica({ maxSubscriptions: MANY });
    await create(replica, { name: 'shared' });
    const updates = vi.spyOn(WatchHub.prototype, 'update');
    const sink = new RecordingSink();
    sink.stall();
    const { session } = openNode(replica, app, { sink });
    const received = Array.from({ length: MANY }, (_, n) => {
      const id = `u${String(n)}`;
      const subscription = { id, view: userView(id), digest: '' };
      return session.receive({ kind: 'subscribe', subscription });
    });
    await Promise.all(received);
    // All wait for the end of the snapshot, which its reader did not take yet.
    expect(sink.isBlocked).toBe(true);
    expect(sink.frames).toHaveLength(1);
    updates.mockClear();
    sink.release();
    // One subscription is one frame here, and one change of the index.
    const all = (): boolean => updates.mock.calls.length >= MANY - 1;
    const told = await mostPerTurn(() => sink.frames.length, all);
    expect(updates.mock.calls).toHaveLength(MANY - 1);
    // Two of our turns may see two chunks.
    expect(told).toBeLessThanOrEqual(2 * CHUNK);
    const frames = decodeFrames<SyncFrame>(sink);
    const refused = frames.flatMap((frame) => (frame.kind === 'refused' ? [frame] : []));
    expect(refused).toMatchObject([{ id: 'u9999', reason: 'TOO_MANY_SUBSCRIPTIONS' }]);
    const synced = frames.flatMap((frame) => (frame.kind === 'synced' ? frame.subscriptions : []));
    expect(new Set(synced.map(({ id }) => id)).size).toBe(MANY);
  });

  it('change the index of the hub by what is new in each [P20]', async () => {
    await using world = await openWorld();
    const replica = await world.replica({ maxSubscriptions: MANY });
    const updates = vi.spyOn(WatchHub.prototype, 'update');
    const listings = vi.spyOn(NodeAudience.prototype, 'subjects');
    const users = Array.from({ length: MANY }, (_, n) => `u${String(n)}`);
    const { sink, session } = openNode(replica, app);
    await eventually(() => {
      expect(updates).toHaveBeenCalled();
    });
    listings.mockClear();
    const subscribe = (user: string, groups: readonly string[] = []) =>
      session.receive({
        kind: 'subscribe',
        subscription: { id: user, view: userView(user, groups), digest: '' },
      });
    await Promise.all(users.slice(1).map((user) => subscribe(user)));
    await eventually(() => {
      expect(updates.mock.calls).toHaveLength(MANY);
    });
    const subjects = updates.mock.calls.map(
      ([, { added, removed }]) => added.length + removed.length,
    );
    expect(Math.max(...subjects)).toBe(1);
    // A group that comes and one that goes are all that changes for who stays.
    updates.mockClear();
    for (const groups of [['dev'], ['ops']]) await subscribe('u1', groups);
    await eventually(() => {
      expect(updates.mock.calls.map(([, change]) => change)).toEqual([
        { added: ['group:dev'], removed: [] },
        { added: ['group:ops'], removed: ['group:dev'] },
      ]);
    });
    // Nobody went through all of its subjects for that.
    expect(listings).not.toHaveBeenCalled();
    expect(sink.ended).toBeUndefined();
  });
});

describe('a node that changes its subscriptions without end', () => {
  it('waits once its burst is used up, and others are served meanwhile [P20]', async () => {
    await using world = await openWorld();
    const replica = await world.replica({ maxSubscriptions: 50 });
    const { session } = openNode(replica, app);
    let done = 0;
    const change = (n: number): Promise<void> =>
      session
        .receive({
          kind: 'subscribe',
          subscription: { id: 'one', view: userView(`u${String(n)}`), digest: '' },
        })
        .then(() => {
          done += 1;
        });
    const all = Promise.all(Array.from({ length: 200 }, (_, n) => change(n)));
    await eventually(() => {
      expect(done).toBe(100);
    });
    const other = openNode(replica, app);
    await other.session.receive({
      kind: 'subscribe',
      subscription: { id: 'two', view: userView('ana'), digest: '' },
    });
    expect(done).toBe(100);
    // The clock of the replica stands still until it is moved.
    replica.clock.now += 100;
    await eventually(() => {
      expect(done).toBe(150);
    });
    replica.clock.now += 900;
    await all;
  });
});
