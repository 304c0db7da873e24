import { describe, expect, it } from 'vitest';
import { SwitchboardError } from '../../../src/domain/errors.js';
import { viewDigest } from '../../../src/domain/token.js';
import {
  APP_VIEW,
  INVENTORY_VIEW,
  userView,
  type ReaderView,
  type View,
} from '../../../src/domain/view.js';
import { compactTenants } from '../../../src/services/replica/compaction.js';
import { openWatcher } from '../../../src/services/watch/watch-servers.js';
import { ResolvedAudience } from '../../../src/services/watch/resolved-audience.js';
import { WATCH_DEFAULTS } from '../../../src/services/watch/watch-limits.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import { eventually } from '../../support/eventually.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import { readStream, violationsOf } from '../../support/checkers/checkers.js';
import { changeAccess } from '../../support/commits/commits.js';
import { Oracle } from '../../support/history/oracle.js';
import { watchEncoder, type SyncFrame, type WatchFrame } from '../../support/services/encoders.js';
import {
  catchUp,
  create,
  listed,
  openNode,
  openWorld,
  page,
  passTime,
  remove,
  TENANT,
  tokenOf,
  update,
  watch,
} from '../../support/services/world.js';
import { decodeFrames, RecordingSink } from '../../support/services/sinks.js';
import { tenantsOf } from '../../support/services/tenants.js';
import { withMethods } from '../../support/storage/reads.js';

useFakeIntervals();

const ana = userView('ana');
const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);
const watched = (sink: RecordingSink): readonly WatchFrame[] => decodeFrames<WatchFrame>(sink);
const told = (sink: RecordingSink): readonly SyncFrame[] => decodeFrames<SyncFrame>(sink);
const kinds = (frames: readonly { kind: string }[]): readonly string[] =>
  frames.map(({ kind }) => kind);

/** Waits until a node was told something that fits. */
async function toldThat(
  sink: RecordingSink,
  fits: (frame: SyncFrame) => boolean,
): Promise<readonly SyncFrame[]> {
  await eventually(() => {
    expect(told(sink).some(fits)).toBe(true);
  });
  return told(sink);
}

const isSynced = (id: string) => (frame: SyncFrame) =>
  frame.kind === 'synced' && frame.subscriptions.some((each) => each.id === id);

describe('a resume', () => {
  const cases: readonly [string, string, (at: Cases) => string][] = [
    ['the token of another view', 'view_differs', ({ head }) => tokenOf(head, APP_VIEW)],
    [
      'the token of other groups',
      'view_differs',
      ({ head }) => tokenOf(head, userView('ana', ['x'])),
    ],
    ['the token of no view', 'view_differs', ({ head }) => tokenOf(head)],
    [
      'a token of another epoch',
      'epoch_changed',
      ({ head }) => tokenOf({ ...head, epoch: 'x' }, ana),
    ],
    [
      'a forged fingerprint',
      'history_differs',
      ({ head }) => tokenOf({ ...head, fingerprint: 'x' }, ana),
    ],
    [
      'a token beyond the head',
      'history_differs',
      ({ head }) => tokenOf({ ...head, revision: 99 }, ana),
    ],
    ['a token that was compacted', 'too_old', ({ old }) => tokenOf(old, ana)],
  ];
  interface Cases {
    readonly head: Parameters<typeof tokenOf>[0];
    readonly old: Parameters<typeof tokenOf>[0];
  }

  it.each(cases)(
    'from %s is a reset (%s) and the state [W8, W14, P16]',
    async (_what, reason, token) => {
      await using world = await openWorld();
      const replica = await world.replica();
      const { position: old } = await create(replica, { name: 'files' });
      await create(replica, { name: 'mail', owner: 'ana' });
      const { position: head } = await create(replica, { name: 'other', owner: 'zoe' });
      const oracle = new Oracle();
      await oracle.extend(world.catalog, TENANT);
      await world.catalog.log.compact(TENANT, 2, { answersBefore: 0 });
      const { sink, live } = watch(replica, ana, { resumeToken: token({ head, old }) });
      await live;
      const frames = watched(sink);
      expect(frames[0]).toEqual({ kind: 'reset', reason });
      expect(violationsOf({ view: ana, frames }, oracle)).toEqual([]);
      const held = readStream({ view: ana, frames }).at(-1);
      expect(held?.upTo).toBe(3);
      expect(held?.contents).toEqual(await listed(replica, ana));
    },
  );

  it('on another store is a reset: its epoch is another [W8, P16]', async () => {
    await using first = await openWorld();
    await using second = await openWorld();
    const { position } = await create(await first.replica(), { name: 'files' });
    const { sink, live } = watch(await second.replica(), ana, {
      resumeToken: tokenOf(position, ana),
    });
    await live;
    expect(watched(sink)[0]).toEqual({ kind: 'reset', reason: 'epoch_changed' });
  });

  it('from any retained token goes on after it, on any replica [W7]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { sink, live } = watch(replica, ana);
    await live;
    for (const n of upTo(6)) await create(replica, { name: `n${String(n)}`, owner: 'ana' });
    await world.catalog.log.compact(TENANT, 3, { answersBefore: 0 });
    const fresh = await world.replica();
    for (const frame of watched(sink)) {
      if (frame.kind !== 'closing' || frame.revision < 3) continue;
      const resumed = watch(fresh, ana, { resumeToken: frame.token });
      await resumed.live;
      const [first, ...rest] = watched(resumed.sink);
      expect(first).toMatchObject({ kind: 'synced', revision: frame.revision });
      const closings = rest.filter(({ kind }) => kind === 'closing');
      expect(closings).toHaveLength(6 - frame.revision);
    }
  });

  it('shows nothing of a server from before its grant, nor after its revoke [P17, W9]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { position: start } = await create(replica, { name: 'first' });
    let { value } = await create(replica, { name: 'files', owner: 'bob' });
    const target = { tenant: TENANT, id: value.id };
    const title = async (text: string): Promise<void> => {
      value = (await update(replica, value, { specFields: { title: text } })).value;
    };
    await title('secret before');
    await changeAccess(world.catalog, target, { grant: ['user:ana'] });
    await catchUp(replica);
    await title('for ana');
    await changeAccess(world.catalog, target, { revoke: ['user:ana'] });
    await catchUp(replica);
    await title('secret after');
    const { sink, live } = watch(replica, ana, { resumeToken: tokenOf(start, ana) });
    await live;
    const shown = watched(sink).flatMap((frame) =>
      frame.kind === 'event' ? [[frame.type, frame.version]] : [],
    );
    expect(shown).toEqual([
      ['added', 4],
      ['modified', 5],
      ['removed', undefined],
    ]);
  });

  describe('of a node', () => {
    const bob = userView('bob');
    const views = new Map<string, ReaderView>([
      ['a', ana],
      ['b', bob],
    ]);

    it('goes on with what fits and begins the others anew, without a reset [P16, W7, W8]', async () => {
      await using world = await openWorld();
      const replica = await world.replica();
      await create(replica, { name: 'of-ana', owner: 'ana' });
      const { value: own, position } = await create(replica, { name: 'of-bob', owner: 'bob' });
      const { position: end } = await create(replica, { name: 'missed', owner: 'ana' });
      for (const digestOfBob of ['', viewDigest(userView('bob', ['left']))]) {
        const { sink } = openNode(replica, views, {
          resumeToken: tokenOf(position),
          digestOf: (view, id) => (id === 'b' ? digestOfBob : viewDigest(view)),
        });
        const [welcome, first, missed, , begun, second, beat] = await toldThat(
          sink,
          ({ kind }) => kind === 'heartbeat',
        );
        expect(welcome).toEqual({ kind: 'welcome', resumed: true });
        expect(first).toMatchObject({ revision: position.revision, subscriptions: [{ id: 'a' }] });
        expect(missed).toMatchObject({ changes: [{ name: 'missed' }] });
        expect(begun).toMatchObject({
          changes: [{ id: own.id, sights: [{ subscriptionId: 'b' }] }],
        });
        expect(second).toMatchObject({ revision: end.revision, subscriptions: [{ id: 'b' }] });
        expect(beat).toMatchObject({ bookmark: { revision: end.revision } });
      }
    });

    it('is a reset if no user goes on whom it knew, or its token is of another view [P16, W8]', async () => {
      await using world = await openWorld();
      const replica = await world.replica();
      const { position } = await create(replica, { name: 'files' });
      const resumeToken = tokenOf(position);
      const withApp = new Map([...views, ['app', APP_VIEW] as const]);
      const digestOf = (view: ReaderView) =>
        viewDigest(view.kind === 'app' ? view : userView('zoe'));
      for (const more of [
        { resumeToken, digestOf },
        { resumeToken: tokenOf(position, ana), digestOf: viewDigest },
      ]) {
        const { sink } = openNode(replica, withApp, more);
        const frames = await toldThat(sink, ({ kind }) => kind === 'synced');
        expect(frames[0]).toEqual({ kind: 'welcome', resumed: false });
        expect(frames[1]).toEqual({ kind: 'reset', reason: 'view_differs' });
      }
    });

    it('goes on if it knew no user yet, and begins them all [P16, W7]', async () => {
      await using world = await openWorld();
      const replica = await world.replica();
      const { position } = await create(replica, { name: 'app', tier: 'APP' });
      const { value: forUsers } = await create(replica, { name: 'user', tier: 'USER' });
      const { sink } = openNode(replica, views, { resumeToken: tokenOf(position) });
      const frames = await toldThat(sink, ({ kind }) => kind === 'heartbeat');
      expect(frames).toMatchObject([
        { kind: 'welcome', resumed: true },
        { kind: 'synced', subscriptions: [] },
        { kind: 'changes', changes: [{ id: forUsers.id, sights: [] }] },
        { kind: 'synced', subscriptions: [{ id: 'a' }] },
        { kind: 'synced', subscriptions: [{ id: 'b' }] },
        { kind: 'heartbeat' },
      ]);
    });
  });

  it('says nothing of copies that a client holds unchanged but their ids [W8, W14]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value: kept } = await create(replica, { name: 'files' });
    const { value: old } = await create(replica, { name: 'mail' });
    await update(replica, old, { specFields: { title: 'x' } });
    const versionOf = ({ etag, accessEtag, factsEtag }: typeof kept) =>
      `${etag} ${accessEtag} ${factsEtag}`;
    const held = new Map([kept, old].map((record) => [record.id, versionOf(record)]));
    const { sink, live } = watch(replica, ana, {
      resumeToken: tokenOf({ epoch: 'x', revision: 1, fingerprint: '' }, ana),
      held,
    });
    await live;
    const types = watched(sink).flatMap((frame) =>
      frame.kind === 'event' ? [[frame.id, frame.type]] : [],
    );
    expect(new Map(types as [string, string][])).toEqual(
      new Map([
        [kept.id, 'unchanged'],
        [old.id, 'added'],
      ]),
    );
  });
});

describe('a node', () => {
  it('has a new subscription between two commits, seen from its SYNCED [P20]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    await create(replica, { name: 'files' });
    await create(replica, { name: 'own', owner: 'ana' });
    const { sink, session } = openNode(replica, new Map([['app', APP_VIEW]]));
    await toldThat(sink, isSynced('app'));
    const before = told(sink).length;
    const racing = create(replica, { name: 'more', owner: 'ana' });
    void session.receive({ kind: 'subscribe', subscription: { id: 'a', view: ana, digest: '' } });
    await racing;
    await toldThat(sink, isSynced('a'));
    await create(replica, { name: 'last', owner: 'ana' });
    const frames = told(sink).slice(before);
    const at = frames.findIndex(isSynced('a'));
    // The frame before it holds all that the view adds, and nothing stands between them.
    expect(frames[at - 1]).toMatchObject({ kind: 'changes' });
    expect(frames[at - 2]?.kind).not.toBe('changes');
    expect(kinds(frames.slice(at + 1)).at(-1)).toBe('closing');
  });

  it("has a change of a user's groups in one step, as one difference [P18]", async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const grantTo = async (name: string, group: `group:${string}`): Promise<string> => {
      const { value } = await create(replica, { name, owner: 'zoe' });
      await changeAccess(world.catalog, { tenant: TENANT, id: value.id }, { grant: [group] });
      await catchUp(replica);
      return value.id;
    };
    const [dev, both, ops] = [
      await grantTo('dev', 'group:dev'),
      await grantTo('both', 'group:dev'),
      await grantTo('ops', 'group:ops'),
    ];
    await changeAccess(world.catalog, { tenant: TENANT, id: both }, { grant: ['group:ops'] });
    await catchUp(replica);
    const { sink, session } = openNode(replica, new Map([['a', userView('ana', ['dev'])]]));
    await toldThat(sink, isSynced('a'));
    const before = told(sink).length;
    const view = userView('ana', ['ops']);
    void session.receive({ kind: 'subscribe', subscription: { id: 'a', view, digest: '' } });
    await eventually(() => {
      expect(told(sink).length).toBeGreaterThan(before + 1);
    });
    const [changes, synced, ...rest] = told(sink).slice(before);
    expect(rest).toEqual([]);
    expect(synced).toMatchObject({ subscriptions: [{ id: 'a', digest: viewDigest(view) }] });
    const difference = changes?.kind === 'changes' ? changes.changes : [];
    const what = difference.map(({ id, kind }) => [id, kind] as const);
    expect(new Map(what)).toEqual(
      new Map([
        [dev, 'removed'],
        [both, 'upsert'],
        [ops, 'upsert'],
      ]),
    );
  });

  it('is refused single subscriptions, and goes on with the others', async () => {
    await using world = await openWorld();
    const replica = await world.replica({ maxSubscriptions: 2 });
    const views = new Map<string, ReaderView>([
      ['good', ana],
      ['blank', userView(' ')],
      ['x'.repeat(129), APP_VIEW],
      ['second', APP_VIEW],
      ['third', userView('zoe')],
    ]);
    const { sink, session } = openNode(replica, views);
    const frames = await toldThat(sink, isSynced('second'));
    const refused = frames.flatMap((each) =>
      each.kind === 'refused' ? [[each.id, each.reason] as const] : [],
    );
    expect(new Map(refused)).toEqual(
      new Map([
        ['blank', 'INVALID_FIELD'],
        ['x'.repeat(129), 'INVALID_FIELD'],
        ['third', 'TOO_MANY_SUBSCRIPTIONS'],
      ]),
    );
    const synced = frames.find(isSynced('second'));
    expect(synced?.kind === 'synced' && synced.subscriptions.map(({ id }) => id).sort()).toEqual([
      'good',
      'second',
    ]);
    void session.receive({ kind: 'unsubscribe', id: 'good' });
    void session.receive({
      kind: 'subscribe',
      subscription: { id: 'late', view: ana, digest: '' },
    });
    await toldThat(sink, isSynced('late'));
    expect(sink.ended).toBeUndefined();
  });

  it('is told of a refusal also when its backlog is dropped [W12]', async () => {
    await using world = await openWorld();
    const replica = await world.replica({ watchLimits: { budgetBytes: 300 } });
    const { sink, session } = openNode(replica, new Map([['a', ana]]));
    await toldThat(sink, isSynced('a'));
    sink.stall();
    await create(replica, { name: 'first' });
    void session.receive({
      kind: 'subscribe',
      subscription: { id: 'bad', view: userView(''), digest: '' },
    });
    for (const n of upTo(5)) await create(replica, { name: `n${String(n)}` });
    sink.release();
    const frames = await toldThat(sink, ({ kind }) => kind === 'reset');
    expect(frames.filter(({ kind }) => kind === 'refused')).toHaveLength(1);
  });

  it('counts subscriptions that wait for the end of a snapshot towards the limit [C7]', async () => {
    await using world = await openWorld();
    const replica = await world.replica({ maxSubscriptions: 2 });
    await create(replica, { name: 'files' });
    const sink = new RecordingSink();
    sink.stall(1);
    const { session } = openNode(replica, new Map([['a', ana]]), { sink });
    const subscribe = (id: string) =>
      session.receive({ kind: 'subscribe', subscription: { id, view: userView(id), digest: '' } });
    await Promise.all(['b', 'c', 'd'].map(subscribe));
    sink.release();
    const frames = await toldThat(sink, isSynced('b'));
    const refused = frames.flatMap((frame) => (frame.kind === 'refused' ? [frame.id] : []));
    expect(refused).toEqual(['c', 'd']);
  });

  it('that breaks the order of messages is ended', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const twice = openNode(replica, new Map([['a', ana]]));
    await toldThat(twice.sink, isSynced('a'));
    const open = { kind: 'open', tenant: TENANT, nodeId: 'n', bootId: 'b' } as const;
    const empty = { resumeToken: '', subscriptions: [], held: new Map<string, string>() };
    void twice.session.receive({ ...open, ...empty });
    const early = new RecordingSink();
    const caller = { principal: 'p', tenants: undefined, roles: ['reader' as const] };
    void replica.services
      .openSession(caller, TENANT, early)
      .receive({ kind: 'applied', token: 'x' });
    await eventually(() => {
      for (const { ended } of [twice.sink, early]) {
        expect(ended?.error?.reason).toBe('PROTOCOL_VIOLATION');
      }
    });
  });

  it('that acknowledges nothing is ended, one that does is not [W12]', async () => {
    await using world = await openWorld();
    const replica = await world.replica({ watchLimits: { ackMs: 3_000 } });
    const [silent, speaking] = [openNode(replica, new Map()), openNode(replica, new Map())];
    await toldThat(silent.sink, ({ kind }) => kind === 'synced');
    const [synced] = (await toldThat(speaking.sink, ({ kind }) => kind === 'synced')).slice(-1);
    for (const _ of upTo(4)) {
      passTime(replica, 1_000);
      if (synced?.kind === 'synced') {
        void speaking.session.receive({ kind: 'applied', token: synced.token });
        await new Promise(setImmediate);
      }
    }
    expect(silent.sink.ended?.error?.reason).toBe('SLOW_CONSUMER');
    expect(speaking.sink.ended).toBeUndefined();
  });

  it('that is gone before it is open leaves nothing behind', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const sink = new RecordingSink();
    sink.disconnect();
    openNode(replica, new Map([['a', ana]]), { sink });
    const gone = watch(replica, ana, { sink: goneSink() });
    await gone.live;
    await create(replica, { name: 'files' });
    expect([sink.frames, gone.sink.frames]).toEqual([[], []]);
    expect(replica.errors).toEqual([]);
  });
});

function goneSink(): RecordingSink {
  const sink = new RecordingSink();
  sink.disconnect();
  return sink;
}

describe('frames', () => {
  it('that many streams share are the same bytes, made once [P19]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const views: readonly View[] = [ana, userView('bob'), userView('zoe', ['dev'])];
    const streams = views.map((view) => watch(replica, view));
    await Promise.all(streams.map(({ live }) => live));
    const twins = upTo(3).map(() => watch(replica, ana));
    await Promise.all(twins.map(({ live }) => live));
    const nodes = views.map((view) => openNode(replica, new Map([['s', view as ReaderView]])));
    for (const { sink } of nodes) await toldThat(sink, isSynced('s'));
    await create(replica, { name: 'files' });
    const last = ({ sink }: { sink: RecordingSink }) => sink.frames.at(-1);
    const allOf = (each: { sink: RecordingSink }) => kinds(watched(each.sink));
    // One frame each, with the closing in it. For nodes it is the same one.
    expect(new Set(nodes.map(last)).size).toBe(1);
    // A resume token is of a view: the frame is shared by watchers of that view.
    expect(new Set(twins.map(last)).size).toBe(1);
    for (const each of twins) {
      expect(each.sink.frames).toHaveLength(2);
      expect(allOf(each)).toEqual(['synced', 'event', 'closing']);
    }
    // Where the closing is a frame of its own, the event is the same for all views.
    await create(replica, { name: 'mail' });
    await create(replica, { name: 'docs' });
    expect(new Set(streams.map(({ sink }) => sink.frames.at(-2))).size).toBe(1);
    expect(new Set(streams.map(last)).size).toBe(3);
    expect(new Set(twins.map(last)).size).toBe(1);
  });

  it('of a commit that shows a stream nothing are none, but for the bookmark [P19, W6]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { sink, live } = watch(replica, userView('bob'));
    await live;
    await create(replica, { name: 'files', owner: 'ana' });
    expect(kinds(watched(sink))).toEqual(['synced']);
    passTime(replica, 9_000);
    expect(watched(sink).at(-1)).toMatchObject({ kind: 'heartbeat', bookmark: { revision: 1 } });
  });
});

describe('heartbeats', () => {
  it('come at least every interval, also to a stream whose snapshot is under way [W10]', async () => {
    await using world = await openWorld();
    const replica = await world.replica({ watchLimits: { heartbeatMs: 2_000, stallMs: 60_000 } });
    await Promise.all(upTo(3).map((n) => create(replica, { name: `n${String(n)}` })));
    const { sink, live } = watch(replica, ana);
    await live;
    for (const _ of upTo(5)) {
      const before = sink.frames.length;
      passTime(replica, 2_000);
      expect(kinds(watched(sink).slice(before))).toContain('heartbeat');
    }
    const slow = new RecordingSink();
    slow.stall(2);
    watch(replica, ana, { sink: slow }).live.catch(() => undefined);
    await eventually(() => {
      expect(slow.isBlocked).toBe(true);
    });
    passTime(replica, 2_000);
    slow.release(2);
    expect(watched(slow).find(({ kind }) => kind === 'heartbeat')).not.toHaveProperty('bookmark');
  });

  it('tell a replica that cannot reach the Catalog, until it ends the streams [W11]', async () => {
    await using world = await openWorld();
    let isDown = false;
    const catalog: Catalog = withMethods(world.catalog, {
      newer: async (...args) => {
        if (isDown) throw new SwitchboardError('CATALOG_UNAVAILABLE');
        return world.catalog.log.newer(...args);
      },
      read: async (...args) => {
        if (isDown) throw new SwitchboardError('CATALOG_UNAVAILABLE');
        return world.catalog.log.read(...args);
      },
    });
    const replica = await world.replica({ catalog });
    const { sink, live } = watch(replica, ana);
    await live;
    const states = () =>
      watched(sink).flatMap((frame) => (frame.kind === 'heartbeat' ? [frame.upstream] : []));
    const tick = async (ms: number): Promise<void> => {
      for (const _ of upTo(ms / 1_000)) {
        const failures = replica.errors.length;
        passTime(replica, 1_000);
        // What the follower asked is answered or refused before the next second.
        const isAnswered = async (): Promise<void> => {
          if (isDown) expect(replica.errors.length).toBeGreaterThan(failures);
          else expect((await page(replica, ana)).upstream.ageMs).toBe(0);
        };
        await eventually(isAnswered, { intervalMs: 1 });
      }
    };
    await tick(9_000);
    expect(states()).toEqual(['following']);
    isDown = true;
    await tick(9_000);
    expect(states()).toEqual(['following', 'degraded']);
    await tick(60_000);
    expect(sink.ended?.error).toMatchObject({ reason: 'CATALOG_UNAVAILABLE' });
    expect(sink.ended?.error?.retryDelayMs).toBeGreaterThan(0);
    expect(replica.errors.length).toBeGreaterThan(0);
  });
});

describe('readers that lag', () => {
  it('do not lag for one commit, however large [P21]', async () => {
    await using world = await openWorld();
    const replica = await world.replica({ watchLimits: { budgetBytes: 50 } });
    const { sink, live } = watch(replica, ana);
    await live;
    sink.stall();
    // The first is handed over; the second waits alone, and is larger than the budget.
    await create(replica, { name: 'small' });
    await create(replica, { name: 'large' });
    sink.release();
    expect(kinds(watched(sink))).toEqual(['synced', 'event', 'closing', 'event', 'closing']);
  });

  it('do not lag for a snapshot: an overtaken one goes on to a newer SYNCED [P21, W5]', async () => {
    await using world = await openWorld();
    const replica = await world.replica({ watchLimits: { budgetBytes: 200 } });
    const servers = await Promise.all(
      upTo(6).map((n) => create(replica, { name: `n${String(n)}` })),
    );
    const sink = new RecordingSink();
    sink.stall(3);
    const { live } = watch(replica, ana, { sink });
    await eventually(() => {
      expect(sink.isBlocked).toBe(true);
    });
    await remove(replica, servers[0]!.value);
    for (const { value } of servers.slice(1))
      await update(replica, value, { specFields: { title: 'x' } });
    await create(replica, { name: 'new' });
    sink.release();
    await live;
    const frames = watched(sink);
    expect(kinds(frames)).not.toContain('reset');
    expect(frames.filter(({ kind }) => kind === 'synced')).toMatchObject([{ revision: 13 }]);
    const oracle = new Oracle();
    await oracle.extend(world.catalog, TENANT);
    expect(violationsOf({ view: ana, frames }, oracle)).toEqual([]);
  });

  it('are reset, and at last ended when it happens again and again [W12, P21]', async () => {
    await using world = await openWorld();
    const replica = await world.replica({ watchLimits: { budgetBytes: 200, maxResets: 2 } });
    const { sink, live } = watch(replica, ana);
    await live;
    let count = 0;
    const overrun = async (): Promise<void> => {
      sink.stall();
      // One is handed over, two are more than the budget, and so are two more during the snapshot.
      for (const _ of upTo(5)) await create(replica, { name: `n${String((count += 1))}` });
      sink.release();
    };
    for (const resets of [1, 2]) {
      await overrun();
      await eventually(() => {
        expect(kinds(watched(sink)).filter((kind) => kind === 'reset')).toHaveLength(resets);
        expect(watched(sink).at(-1)).toMatchObject({ kind: 'synced', revision: count });
      });
    }
    await overrun();
    expect(sink.ended?.error?.reason).toBe('SLOW_CONSUMER');
  });

  it('keep no new watcher waiting while they take their snapshots [W12, P21]', async () => {
    await using world = await openWorld();
    const replica = await world.replica({ watchLimits: { maxSnapshots: 16 } });
    await Promise.all(upTo(3).map((n) => create(replica, { name: `n${String(n)}` })));
    const drippers = upTo(16).map(() => new RecordingSink());
    for (const sink of drippers) {
      sink.stall();
      watch(replica, ana, { sink }).live.catch(() => undefined);
    }
    await eventually(() => {
      for (const sink of drippers) expect(sink.isBlocked).toBe(true);
    });
    const { sink, live } = watch(replica, ana);
    await live;
    expect(watched(sink).at(-1)).toMatchObject({ kind: 'synced' });
    expect(drippers.every(({ isBlocked }) => isBlocked)).toBe(true);
  });

  it('are cut if they take a snapshot too slowly [W12, P21]', async () => {
    await using world = await openWorld();
    const limits = { stallMs: 3_000, minBytesPerSecond: 1_000 };
    const replica = await world.replica({ watchLimits: limits });
    await Promise.all(upTo(3).map((n) => create(replica, { name: `n${String(n)}` })));
    const sink = new RecordingSink();
    sink.stall();
    watch(replica, ana, { sink }).live.catch(() => undefined);
    await eventually(() => {
      expect(sink.isBlocked).toBe(true);
    });
    passTime(replica, 2_000);
    // It does take something, so that it is not stalled.
    sink.release(1);
    passTime(replica, 2_000);
    expect(sink.ended?.error?.reason).toBe('SLOW_CONSUMER');
  });

  it('are bounded among 200, and slow nobody [W12]', async () => {
    await using world = await openWorld();
    const limits = { budgetBytes: 4_096, stallMs: 30_000 };
    const replica = await world.replica({ watchLimits: limits });
    const streams = upTo(200).map(() => watch(replica, ana));
    await Promise.all(streams.map(({ live }) => live));
    const [stalled, others] = [streams.slice(0, 11), streams.slice(11)];
    for (const { sink } of stalled) sink.stall();
    const titles = upTo(120).map((n) => create(replica, { name: `n${String(n)}` }));
    await Promise.all(titles);
    const oracle = new Oracle();
    await oracle.extend(world.catalog, TENANT);
    for (const { sink } of others) {
      expect(watched(sink).at(-1)).toMatchObject({ kind: 'closing', revision: 120 });
    }
    expect(violationsOf({ view: ana, frames: watched(others[0]!.sink) }, oracle)).toEqual([]);
    // Those who read again are given the state instead of what they missed.
    const [never, ...back] = stalled;
    for (const { sink } of back) {
      const seen = sink.frames.length;
      sink.release();
      await eventually(() => {
        expect(watched(sink).at(-1)).toMatchObject({ kind: 'synced', revision: 120 });
      });
      expect(kinds(watched(sink)).filter((kind) => kind === 'reset')).toHaveLength(1);
      expect(sink.frames.length - seen).toBeLessThanOrEqual(122);
      expect(violationsOf({ view: ana, frames: watched(sink) }, oracle)).toEqual([]);
    }
    // The one that never reads is ended; until then it was handed a single frame more.
    expect(never!.sink.frames).toHaveLength(2);
    passTime(replica, 31_000);
    expect(never!.sink.ended?.error?.reason).toBe('SLOW_CONSUMER');
    for (const { sink } of others) expect(sink.ended).toBeUndefined();
  });
});

describe('watchers of the inventory', () => {
  it('that open at once all get all of it, and lose nothing when one goes [W5]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    for (const n of upTo(5))
      await create(await world.replica(), { name: `n${String(n)}`, owner: 'zoe' });
    const streams = upTo(3).map(() => watch(replica, INVENTORY_VIEW));
    await Promise.all(streams.map(({ live }) => live));
    for (const { sink } of streams) {
      expect(watched(sink).filter(({ kind }) => kind === 'event')).toHaveLength(5);
    }
    streams[0]!.sink.disconnect();
    await create(replica, { name: 'more', owner: 'bob' });
    expect(watched(streams[1]!.sink).at(-1)).toMatchObject({ kind: 'closing', revision: 6 });
  });

  it('can open after one could not [F3]', async () => {
    await using world = await openWorld();
    let isDown = true;
    const catalog: Catalog = withMethods(world.catalog, {
      inventory: async (...args) => {
        if (isDown) throw new SwitchboardError('CATALOG_UNAVAILABLE');
        return world.catalog.projections.inventory(...args);
      },
    });
    await create(await world.replica(), { name: 'files', owner: 'zoe' });
    const replica = await world.replica({ catalog });
    await expect(watch(replica, INVENTORY_VIEW).live).rejects.toMatchObject({
      reason: 'CATALOG_UNAVAILABLE',
    });
    isDown = false;
    const { sink, live } = watch(replica, INVENTORY_VIEW);
    await live;
    expect(kinds(watched(sink))).toEqual(['event', 'synced']);
  });
});

describe('a tenant that is closed for want of use', () => {
  it('ends a stream that opens on it at that moment: nobody would tell it anything [W10]', async () => {
    await using world = await openWorld();
    const tenants = tenantsOf(world, { idleTenants: 0 });
    const tenant = await tenants.get(TENANT);
    tenants.dropIdle();
    const sink = new RecordingSink();
    const deps = { tenants, catalog: world.catalog, limits: WATCH_DEFAULTS, monotonic: () => 0 };
    const audience = new ResolvedAudience(ana, watchEncoder(TENANT));
    const watcher = openWatcher(deps, tenant, { audience, sink, onEnd: () => undefined });
    expect(watcher.ended).toBe(true);
    expect(sink.ended?.error?.reason).toBe('CATALOG_UNAVAILABLE');
    expect(await tenants.get(TENANT)).not.toBe(tenant);
  });

  it('is the one that was used least recently', async () => {
    await using world = await openWorld();
    const tenants = tenantsOf(world, { idleTenants: 2 });
    for (const name of ['a', 'b', 'c']) await tenants.get(name);
    await tenants.get('a');
    tenants.dropIdle();
    expect(['a', 'b', 'c'].filter((name) => tenants.peek(name) !== undefined)).toEqual(['a', 'c']);
  });
});

describe('compaction', () => {
  const day = 24 * 3_600_000;

  it('keeps what is young, and so many commits, and what repeats need [P3, R3]', async () => {
    await using world = await openWorld();
    let now = 0;
    const replica = await world.replica({ wallClock: () => now });
    for (const n of upTo(4))
      await create(replica, { name: `old${String(n)}` }, { requestId: `r${String(n)}` });
    now = 2 * day;
    for (const n of upTo(4)) await create(replica, { name: `new${String(n)}` });
    const markAfter = async (commits: number): Promise<number> => {
      await compactTenants(world.catalog, { forMs: day, commits, everyMs: 1 }, now);
      return (await world.catalog.log.read(TENANT, 0)).mark;
    };
    expect(await markAfter(100)).toBe(0);
    expect(await markAfter(6)).toBe(2);
    expect(await markAfter(0)).toBe(4);
    now = 4 * day;
    expect(await markAfter(0)).toBe(8);
    expect((await listed(replica, ana)).size).toBe(8);
  });

  it('leaves a replica that starts afterwards the whole state [P2, F1]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    for (const n of upTo(4)) await create(replica, { name: `n${String(n)}`, owner: 'ana' });
    await world.catalog.log.compact(TENANT, 4, { answersBefore: 0 });
    const fresh = await world.replica();
    expect((await listed(fresh, ana)).size).toBe(4);
    await create(fresh, { name: 'after', owner: 'ana' });
    expect((await listed(fresh, ana)).size).toBe(5);
  });
});
