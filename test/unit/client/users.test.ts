import { describe, expect, it } from 'vitest';
import { ClientError } from '../../../src/client/client-error.js';
import { NodeView, subscriptionIdOf } from '../../../src/client/node-view.js';
import { StatusCell } from '../../../src/client/status.js';
import { UserSubscriptions } from '../../../src/client/users.js';
import type { ViewFeed } from '../../../src/client/view-feed.js';
import { userView, type UserView } from '../../../src/domain/view.js';
import { clientErrorOf } from '../../support/mcp-pool.js';

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

  refuse(id: string, reason: 'CANCELLED' | 'SUBSCRIPTION_REFUSED' = 'SUBSCRIPTION_REFUSED'): void {
    this.#waiting.get(id)?.reject(new ClientError(reason));
  }
}

function start(): { feed: ManualFeed; view: NodeView; users: UserSubscriptions } {
  const view = new NodeView();
  const feed = new ManualFeed(view);
  return { feed, view, users: new UserSubscriptions(feed, view) };
}

describe('the views of users', () => {
  it('are subscribed to once, however many ask, and left with the last', async () => {
    const { feed, view, users } = start();
    const [first, second] = [users.acquire(ANA), users.acquire(userView('ana'))];
    feed.sync(ANA);
    await Promise.all([first.synced, second.synced]);
    const third = users.acquire(ANA);
    await third.synced;
    expect(feed.asked).toEqual([subscriptionIdOf(ANA)]);
    const told: unknown[] = [];
    for (const use of [first, second, second, third]) use.release((others) => told.push(others));
    expect(told).toEqual([[]]);
    expect(feed.left).toEqual([subscriptionIdOf(ANA)]);
    expect(view.isKnown(ANA)).toBe(false);
  });

  it('tell which other views of the user stay, while the view is still known', async () => {
    const { feed, view, users } = start();
    const uses = [ANA, ANA_IN_RED, BEN].map((each) => users.acquire(each));
    for (const each of [ANA, ANA_IN_RED, BEN]) feed.sync(each);
    await Promise.all(uses.map(({ synced }) => synced));
    const told: unknown[] = [];
    uses[0]?.release((others) => told.push(others, view.isKnown(ANA)));
    expect(told).toEqual([[ANA_IN_RED], true]);
    expect(view.isKnown(ANA)).toBe(false);
  });

  it('are asked for anew after a refusal, and who was refused takes nothing from others', async () => {
    const { feed, users } = start();
    const refused = [users.acquire(ANA), users.acquire(ANA)];
    feed.refuse(subscriptionIdOf(ANA));
    for (const use of refused)
      expect((await clientErrorOf(use.synced)).reason).toBe('SUBSCRIPTION_REFUSED');
    const again = users.acquire(ANA);
    for (const use of refused) use.release(() => undefined);
    expect(feed.left).toEqual([]);
    feed.sync(ANA);
    await again.synced;
    again.release(() => undefined);
    expect(feed.left).toEqual([subscriptionIdOf(ANA)]);
  });

  it('are asked for anew when they became unknown since', async () => {
    const { feed, view, users } = start();
    const before = users.acquire(ANA);
    feed.sync(ANA);
    await before.synced;
    view.drop(subscriptionIdOf(ANA));
    const after = users.acquire(ANA);
    expect(feed.asked).toHaveLength(2);
    feed.sync(ANA);
    await after.synced;
    after.release(() => undefined);
    expect(view.isKnown(ANA)).toBe(true);
    before.release(() => undefined);
    expect(view.isKnown(ANA)).toBe(false);
  });

  it('are left when nobody waits for them any more', async () => {
    const { feed, users } = start();
    const use = users.acquire(ANA);
    use.release(() => undefined);
    expect(feed.left).toEqual([subscriptionIdOf(ANA)]);
    expect((await clientErrorOf(use.synced)).reason).toBe('CANCELLED');
  });
});
