import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClientError } from '../../../src/client/client-error.js';
import { NodeView, subscriptionIdOf } from '../../../src/client/node-view.js';
import { StatusCell } from '../../../src/client/status.js';
import { UserSubscriptions, type ViewUse } from '../../../src/client/users.js';
import type { ViewFeed } from '../../../src/client/view-feed.js';
import { SwitchboardError } from '../../../src/domain/errors.js';
import { userView, type ReaderView, type UserView } from '../../../src/domain/view.js';
import { eventually } from '../../support/eventually.js';
import { clientErrorOf } from '../../support/mcp/pool.js';

const ANA = userView('ana');
const ANA_IN_RED = userView('ana', ['red']);
const BEN = userView('ben');

/** A feed that does as it is told. */
class ManualFeed implements ViewFeed {
  readonly status = new StatusCell();
  readonly asked: string[] = [];
  readonly left: string[] = [];
  readonly #waiting = new Map<string, { resolve: () => void; reject: (error: Error) => void }>();
  readonly #view: NodeView;

  constructor(view: NodeView) {
    this.#view = view;
  }

  subscribe(id: string): Promise<void> {
    this.asked.push(id);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  unsubscribe(id: string): void {
    this.left.push(id);
    this.refuse(id, 'CANCELLED');
  }

  close(): void {
    this.status.set('CLOSED', 'closed');
  }

  sync(view: UserView): void {
    const id = subscriptionIdOf(view);
    this.#view.apply({ replaces: false, changes: [], synced: [id] });
    this.#waiting.get(id)?.resolve();
  }

  refuse(id: string, why?: 'CANCELLED' | 'TOO_MANY_SUBSCRIPTIONS'): void {
    const reason = why === 'CANCELLED' ? why : 'SUBSCRIPTION_REFUSED';
    const cause = why === 'TOO_MANY_SUBSCRIPTIONS' ? new SwitchboardError(why) : undefined;
    this.#waiting.get(id)?.reject(new ClientError(reason, undefined, { cause }));
  }
}

/** What the subscriptions told the connections of a view, and what these answer. */
class ManualConnections {
  readonly told: { readonly others: readonly ReaderView[]; readonly isKnown: boolean }[] = [];
  idleMs = Infinity;
  readonly #isKnown: () => boolean;

  constructor(isKnown: () => boolean) {
    this.#isKnown = isKnown;
  }

  idleForMs(): number {
    return this.idleMs;
  }

  leave(others: readonly ReaderView[] = []): Promise<number> {
    this.told.push({ others, isKnown: this.#isKnown() });
    return Promise.resolve(0);
  }
}

interface Started {
  readonly feed: ManualFeed;
  readonly view: NodeView;
  readonly users: UserSubscriptions;
  of(view: UserView): ManualConnections;
  /** Asks for a view that is known at once. */
  use(view: UserView): Promise<ViewUse>;
}

function start(idleMs = 0): Started {
  const view = new NodeView();
  const feed = new ManualFeed(view);
  const made = new Map<string, ManualConnections>();
  const of = (reader: UserView): ManualConnections => {
    const id = subscriptionIdOf(reader);
    const connections = made.get(id) ?? new ManualConnections(() => view.isKnown(reader));
    made.set(id, connections);
    return connections;
  };
  const users = new UserSubscriptions({ feed, view, connectionsOf: of, idleMs });
  const use = async (reader: UserView): Promise<ViewUse> => {
    const acquired = users.acquire(reader);
    if (!view.isKnown(reader)) feed.sync(reader);
    await acquired.synced;
    return acquired;
  };
  return { feed, view, users, of, use };
}

describe('the views of users', () => {
  it('are subscribed to once, however many ask, and left with the last', async () => {
    const { feed, view, users, of } = start();
    const [first, second] = [users.acquire(ANA), users.acquire(userView('ana'))];
    feed.sync(ANA);
    await Promise.all([first.synced, second.synced]);
    const third = users.acquire(ANA);
    await third.synced;
    expect(feed.asked).toEqual([subscriptionIdOf(ANA)]);
    for (const use of [first, second, second, third]) await use.release();
    expect(of(ANA).told).toEqual([{ others: [], isKnown: true }]);
    expect(feed.left).toEqual([subscriptionIdOf(ANA)]);
    expect(view.isKnown(ANA)).toBe(false);
  });

  it('leave their connections to the other known views of the user', async () => {
    const { feed, view, users, of, use } = start();
    const ana = await use(ANA);
    await use(ANA_IN_RED);
    await use(BEN);
    users.acquire(userView('ana', ['blue']));
    await ana.release();
    expect(of(ANA).told).toEqual([{ others: [ANA_IN_RED], isKnown: true }]);
    expect(view.isKnown(ANA)).toBe(false);
    expect(feed.left).toEqual([subscriptionIdOf(ANA)]);
  });

  it('are asked for anew after a refusal, and who was refused takes nothing from others', async () => {
    const { feed, users, of } = start();
    const refused = [users.acquire(ANA), users.acquire(ANA)];
    feed.refuse(subscriptionIdOf(ANA));
    for (const use of refused)
      expect((await clientErrorOf(use.synced)).reason).toBe('SUBSCRIPTION_REFUSED');
    const again = users.acquire(ANA);
    for (const use of refused) await use.release();
    expect([feed.left, of(ANA).told]).toEqual([[], []]);
    feed.sync(ANA);
    await again.synced;
    await again.release();
    expect(feed.left).toEqual([subscriptionIdOf(ANA)]);
  });

  it('are asked for anew when they became unknown since', async () => {
    const { feed, view, users, use } = start();
    const before = await use(ANA);
    view.drop(subscriptionIdOf(ANA));
    const after = users.acquire(ANA);
    expect(feed.asked).toHaveLength(2);
    feed.sync(ANA);
    await after.synced;
    await after.release();
    expect(view.isKnown(ANA)).toBe(true);
    await before.release();
    expect(view.isKnown(ANA)).toBe(false);
  });

  it('are left when nobody waits for them any more', async () => {
    const { feed, users } = start(60_000);
    const use = users.acquire(ANA);
    await use.release();
    expect(feed.left).toEqual([subscriptionIdOf(ANA)]);
    expect((await clientErrorOf(use.synced)).reason).toBe('CANCELLED');
  });
});

describe('a view that nobody uses any more', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is kept for its time, and costs nothing to who comes back within it', async () => {
    const { feed, view, users, of, use } = start(1_000);
    await (await use(ANA)).release();
    vi.advanceTimersByTime(999);
    const again = users.acquire(ANA);
    await again.synced;
    vi.advanceTimersByTime(10_000);
    expect([feed.asked.length, feed.left, of(ANA).told]).toEqual([1, [], []]);
    await again.release();
    vi.advanceTimersByTime(999);
    expect(view.isKnown(ANA)).toBe(true);
    vi.advanceTimersByTime(1);
    expect(view.isKnown(ANA)).toBe(false);
    expect(of(ANA).told).toEqual([{ others: [], isKnown: true }]);
    expect(feed.left).toEqual([subscriptionIdOf(ANA)]);
  });

  it('is kept while calls of it run, and for its time after the last', async () => {
    const { view, of, use } = start(1_000);
    await (await use(ANA)).release();
    of(ANA).idleMs = 0;
    vi.advanceTimersByTime(5_500);
    expect(view.isKnown(ANA)).toBe(true);
    of(ANA).idleMs = 400;
    vi.advanceTimersByTime(500);
    of(ANA).idleMs = 1_000;
    vi.advanceTimersByTime(599);
    expect(view.isKnown(ANA)).toBe(true);
    vi.advanceTimersByTime(1);
    expect(view.isKnown(ANA)).toBe(false);
  });

  it('is forgotten when another view of the user is known, and not before', async () => {
    const { feed, view, users, of, use } = start(1_000);
    await (await use(ANA)).release();
    await use(BEN);
    const red = users.acquire(ANA_IN_RED);
    expect(view.isKnown(ANA)).toBe(true);
    feed.sync(ANA_IN_RED);
    await red.synced;
    expect(of(ANA).told).toEqual([{ others: [ANA_IN_RED], isKnown: true }]);
    expect([view.isKnown(ANA), view.isKnown(BEN)]).toEqual([false, true]);
    const plain = await use(ANA);
    await plain.release();
    expect([view.isKnown(ANA), view.isKnown(ANA_IN_RED)]).toEqual([false, true]);
  });

  it('makes room for another one: the one idle longest, without calls', async () => {
    const { feed, view, users, of, use } = start(1_000);
    const busy = await use(userView('busy'));
    const [ana, ben] = [await use(ANA), await use(BEN)];
    for (const one of [busy, ana, ben]) {
      await one.release();
      vi.advanceTimersByTime(10);
    }
    of(userView('busy')).idleMs = 0;
    const eve = users.acquire(userView('eve'));
    feed.refuse(subscriptionIdOf(userView('eve')), 'TOO_MANY_SUBSCRIPTIONS');
    await eventually(() => expect(feed.asked).toHaveLength(5));
    feed.sync(userView('eve'));
    await eve.synced;
    expect([feed.left, view.isKnown(BEN)]).toEqual([[subscriptionIdOf(ANA)], true]);
    const refused = users.acquire(userView('zoe'));
    feed.refuse(subscriptionIdOf(userView('zoe')));
    expect((await clientErrorOf(refused.synced)).reason).toBe('SUBSCRIPTION_REFUSED');
    expect(view.isKnown(BEN)).toBe(true);
  });

  it('waits no more when the client is closed', async () => {
    const { view, users, of, use } = start(1_000);
    const [ana, ben] = [await use(ANA), await use(BEN)];
    await ana.release();
    users.close();
    expect(vi.getTimerCount()).toBe(0);
    await ben.release();
    expect([of(BEN).told.length, view.isKnown(BEN), vi.getTimerCount()]).toEqual([1, false, 0]);
  });
});
