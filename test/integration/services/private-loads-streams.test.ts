import { describe, expect, it } from 'vitest';
import type { Position } from '../../../src/domain/commit.js';
import { SwitchboardError } from '../../../src/domain/errors.js';
import { viewDigest } from '../../../src/domain/token.js';
import { userView, type ReaderView } from '../../../src/domain/view.js';
import { eventually } from '../../support/eventually.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import { loadingFrom, ScriptedSource } from '../../support/loads/scripted-source.js';
import type { SyncFrame, WatchFrame } from '../../support/services/encoders.js';
import {
  create,
  openNode,
  openWorld,
  page,
  passTime,
  requestOf,
  tokenOf,
  watch,
  type Replica,
  type World,
} from '../../support/services/world.js';
import { decodeFrames, type RecordingSink } from '../../support/services/sinks.js';

useFakeIntervals();

const ana = userView('ana');
const bob = userView('bob');
const told = (sink: RecordingSink): readonly SyncFrame[] => decodeFrames<SyncFrame>(sink);
const events = (sink: RecordingSink): readonly string[] =>
  decodeFrames<WatchFrame>(sink).flatMap((frame) =>
    frame.kind === 'event' ? [`${frame.type} ${frame.id}`] : [],
  );
const namesSubscription = (frame: SyncFrame, id: string): boolean =>
  frame.kind === 'synced' && frame.subscriptions.some((each) => each.id === id);
const isSynced = (sink: RecordingSink, id: string): boolean =>
  told(sink).some((frame) => namesSubscription(frame, id));
const idsIn = (frame: SyncFrame): readonly string[] =>
  frame.kind === 'changes' ? frame.changes.map(({ id }) => id) : [];
const idsTold = (sink: RecordingSink): readonly string[] => told(sink).flatMap(idsIn);
const isRefused = (sink: RecordingSink, id: string): boolean =>
  told(sink).some((frame) => frame.kind === 'refused' && frame.id === id);

async function open(
  world: World,
  ttlMs?: number,
): Promise<{ readonly replica: Replica; readonly source: ScriptedSource }> {
  const source = new ScriptedSource();
  const policy = ttlMs === undefined ? {} : { ttlMs };
  const replica = await world.replica({ privateLoads: await loadingFrom(source, policy) });
  return { replica, source };
}

const invalidate = ({ services }: Replica, user: string) =>
  services.invalidateUser(requestOf(), { user, requestId: '', reason: '' });

describe('a watch of a user', () => {
  it('waits for the load, and is told what a later one finds [W9, L5, D26, D37]', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    source.set('ana', { rowId: 'old' });
    source.held = [];
    const { sink, live } = watch(replica, ana);
    await eventually(() => {
      expect(source.asked).toEqual(['ana']);
    });
    expect(events(sink)).toEqual([]);
    source.release();
    await live;
    const { value } = await page(replica, ana);
    const old = value.servers[0]?.record.id ?? '';
    expect(events(sink)).toEqual([`added ${old}`]);

    source.set('ana', { rowId: 'new' });
    await invalidate(replica, 'ana');
    await eventually(() => {
      expect(events(sink).length).toBe(3);
    });
    const now = (await page(replica, ana)).value.servers[0]?.record.id ?? '';
    expect(events(sink).slice(1).sort()).toEqual([`added ${now}`, `removed ${old}`]);
    expect(source.asked).toEqual(['ana', 'ana']);
  });

  it('is loaded anew before the load is too old, though nobody reads [L5, D26]', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world, 200);
    const { sink, live } = watch(replica, ana);
    await live;
    source.set('ana', { rowId: 'new' });
    await eventually(() => {
      expect(events(sink).length).toBe(1);
    });
    sink.disconnect();
    const asked = source.asked.length;
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(source.asked.length).toBeLessThanOrEqual(asked + 1);
  });

  it('that is reset waits for the load like a new one, with heartbeats meanwhile [W9, W10, P16]', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    source.set('ana', { rowId: 'own' });
    const { position } = await create(replica, { name: 'shared' });
    source.held = [];
    const resumeToken = tokenOf(position, bob);
    const { sink, live } = watch(replica, ana, { resumeToken });
    await eventually(() => {
      expect(source.asked).toEqual(['ana']);
    });
    passTime(replica, 10_000);
    const kinds = () => decodeFrames<WatchFrame>(sink).map(({ kind }) => kind);
    expect(kinds()).toEqual(['heartbeat']);
    source.release();
    await live;
    expect(kinds()).toEqual(['heartbeat', 'reset', 'event', 'event', 'synced']);
  });

  it('is refused while the source is down, if the user is new', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    source.failure = new SwitchboardError('SOURCE_UNAVAILABLE', 'no route');
    const { live } = watch(replica, ana);
    await expect(live).rejects.toMatchObject({ reason: 'SOURCE_UNAVAILABLE' });
  });

  it('that is resumed goes on behind what was known, and is told when the source is back', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    source.set('ana', { rowId: 'old' });
    const { position } = await page(replica, ana);
    await invalidate(replica, 'ana');
    source.failure = new SwitchboardError('SOURCE_UNAVAILABLE', 'no route');
    const { sink, live } = watch(replica, ana, { resumeToken: tokenOf(position, ana) });
    await live;
    expect(sink.ended).toBeUndefined();
    source.failure = undefined;
    source.set('ana', { rowId: 'new' });
    await eventually(() => {
      replica.clock.now += 1_000;
      expect(source.asked.length).toBeGreaterThan(1);
    });
    replica.clock.now += 120_000;
    await invalidate(replica, 'ana');
    await eventually(() => {
      expect(events(sink).length).toBe(2);
    });
  });
});

describe('a node', () => {
  const views = (...of: readonly (readonly [string, ReaderView])[]) => new Map(of);

  it('is not held up by a user whose servers load slowly, or not at all [C7]', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    source.held = [];
    const { sink, session } = openNode(replica, views(['a', ana]));
    await eventually(() => {
      expect(source.asked).toEqual(['ana']);
    });
    const [slow] = source.held;
    source.held = undefined;
    void session.receive({ kind: 'subscribe', subscription: { id: 'b', view: bob, digest: '' } });
    await eventually(() => {
      expect(isSynced(sink, 'b')).toBe(true);
    });
    expect(isSynced(sink, 'a')).toBe(false);
    slow?.fail(new SwitchboardError('SOURCE_UNAVAILABLE'));
    await eventually(() => {
      expect(isRefused(sink, 'a')).toBe(true);
    });
    expect(sink.ended).toBeUndefined();
  });

  it('gets a subscription when it is loaded, unless it was taken back [P20]', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    source.held = [];
    const { sink, session } = openNode(replica, views());
    for (const [id, view] of [
      ['a', ana],
      ['b', bob],
    ] as const)
      void session.receive({ kind: 'subscribe', subscription: { id, view, digest: '' } });
    await eventually(() => {
      expect(source.asked).toEqual(['ana', 'bob']);
    });
    void session.receive({ kind: 'unsubscribe', id: 'b' });
    await create(replica, { name: 'files' });
    source.release();
    await eventually(() => {
      expect(isSynced(sink, 'a')).toBe(true);
    });
    await create(replica, { name: 'more' });
    expect(isSynced(sink, 'b')).toBe(false);
    expect(isRefused(sink, 'b')).toBe(false);
  });

  const resets: readonly (readonly [string, (at: Position) => Parameters<typeof openNode>[2]])[] = [
    [
      'the token of another view',
      (at) => ({ resumeToken: tokenOf(at, bob), digestOf: (view) => viewDigest(view) }),
    ],
    [
      'a digest of another view',
      (at) => ({ resumeToken: tokenOf(at), digestOf: () => viewDigest(bob) }),
    ],
    ['a digest and no token', () => ({ digestOf: (view) => viewDigest(view) })],
  ];

  it.each(resets)(
    'that opens with %s names a user only when it is loaded [F3, P16]',
    async (_what, opening) => {
      await using world = await openWorld();
      const { replica, source } = await open(world);
      source.set('ana', { rowId: 'own' });
      const { position, value: shared } = await create(replica, { name: 'shared', tier: 'APP' });
      source.held = [];
      const { sink, session } = openNode(replica, views(['a', ana]), opening(position));
      await eventually(() => {
        expect(told(sink).some(({ kind }) => kind === 'synced')).toBe(true);
      });
      // The stream is there with what all may see, and says nothing of the user.
      await session.receive({ kind: 'unsubscribe', id: 'nobody' });
      expect(told(sink)[0]).toEqual({ kind: 'welcome', resumed: false });
      expect(isSynced(sink, 'a')).toBe(false);
      expect(idsTold(sink)).toEqual([shared.id]);
      await eventually(() => {
        expect(source.asked).toEqual(['ana']);
      });
      source.release();
      await eventually(() => {
        expect(isSynced(sink, 'a')).toBe(true);
      });
      const own = (await page(replica, ana)).value.servers
        .map(({ record }) => record.id)
        .find((id) => id !== shared.id);
      // What it sees came before the `synced` that names it.
      expect(idsTold(sink)).toEqual([shared.id, own]);
      expect(told(sink).findIndex((frame) => idsIn(frame).includes(own ?? ''))).toBeLessThan(
        told(sink).findIndex((frame) => namesSubscription(frame, 'a')),
      );
    },
  );

  it.each(resets)(
    'that opens with %s is told why a user cannot be loaded, not that it has nothing [F3, P16]',
    async (_what, opening) => {
      await using world = await openWorld();
      const { replica, source } = await open(world);
      const { position } = await create(replica, { name: 'shared' });
      source.failure = new SwitchboardError('SOURCE_UNAVAILABLE', 'no route');
      const { sink } = openNode(replica, views(['a', ana]), opening(position));
      await eventually(() => {
        expect(isRefused(sink, 'a') || isSynced(sink, 'a')).toBe(true);
        expect(told(sink).some(({ kind }) => kind === 'synced')).toBe(true);
      });
      expect(isSynced(sink, 'a')).toBe(false);
      expect(told(sink).find(({ kind }) => kind === 'refused')).toMatchObject({
        id: 'a',
        reason: 'SOURCE_UNAVAILABLE',
      });
      expect(sink.ended).toBeUndefined();
    },
  );

  it('that knew a user goes on with it behind the old scope while the source is down', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    source.set('ana', { rowId: 'old' });
    const { position } = await page(replica, ana);
    await invalidate(replica, 'ana');
    source.failure = new SwitchboardError('SOURCE_UNAVAILABLE');
    const { sink } = openNode(replica, views(['a', ana]), {
      resumeToken: tokenOf(position),
      digestOf: viewDigest,
    });
    await eventually(() => {
      expect(isSynced(sink, 'a')).toBe(true);
    });
    expect(isRefused(sink, 'a')).toBe(false);
  });
});
