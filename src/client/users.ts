import { isSwitchboardError } from '../domain/errors.js';
import { timerMs } from '../domain/timer.js';
import type { UserView } from '../domain/view.js';
import { isClientError } from './client-error.js';
import { subscriptionIdOf, type NodeView } from './node-view.js';
import type { PoolScope } from './pool/connection.js';
import type { ViewFeed } from './view-feed.js';

/** One use of a user's view. */
export interface ViewUse {
  /** Resolves when the view is known; rejects as `ViewFeed.subscribe` does. */
  readonly synced: Promise<void>;
  /**
   * Gives it back. Resolves at once if the view is kept, else when its connections are
   * closed. Twice is fine.
   */
  release(): Promise<void>;
}

type ViewConnections = Pick<PoolScope, 'leave' | 'idleForMs'>;

/** What the users' views of a node are kept with. */
export interface UserSubscriptionsOptions {
  readonly feed: ViewFeed;
  readonly view: NodeView;
  readonly connectionsOf: (view: UserView) => ViewConnections;
  /** Milliseconds that a view is kept which nobody uses. */
  readonly idleMs: number;
}

/** A view that is subscribed to, for as many as asked for it. */
interface Followed {
  readonly id: string;
  readonly view: UserView;
  readonly connections: ViewConnections;
  synced: Promise<void>;
  hasSynced: boolean;
  uses: number;
  /** Monotonic milliseconds at which it was given back by the last; undefined while in use. */
  idleSince: number | undefined;
  timer: NodeJS.Timeout | undefined;
}

/**
 * The users' views of a node, each subscribed to once.
 *
 * One that nobody uses any more is kept for `idleMs`, and longer while calls of it run: who
 * comes back finds view and connections as they were. It is forgotten at once when another
 * view of the same user is in use and known: then the user's groups have changed, and what
 * only the old ones may see is not to be kept. It also makes room where the control plane
 * allows no more subscriptions.
 */
export class UserSubscriptions {
  private readonly options: UserSubscriptionsOptions;
  private readonly idleMs: number;
  private readonly followed = new Map<string, Followed>();
  /** The same by user: a node has many, and each has few views. */
  private readonly ofUser = new Map<string, readonly Followed[]>();
  private closed = false;

  constructor(options: UserSubscriptionsOptions) {
    this.options = options;
    this.idleMs = timerMs(options.idleMs);
  }

  acquire(view: UserView): ViewUse {
    const id = subscriptionIdOf(view);
    const followed = this.followed.get(id) ?? this.follow(id, view);
    // The control plane may have refused it since, as when a stream was opened again.
    if (followed.hasSynced && !this.options.view.isKnown(view)) this.subscribe(followed);
    followed.uses += 1;
    stopWaiting(followed);
    let released = false;
    return {
      synced: followed.synced,
      release: async () => {
        if (released) return;
        released = true;
        followed.uses -= 1;
        if (followed.uses === 0) await this.unused(followed);
      },
    };
  }

  /** Ends the waiting; from now on nothing is kept. */
  close(): void {
    this.closed = true;
    for (const followed of this.followed.values()) stopWaiting(followed);
  }

  private follow(id: string, view: UserView): Followed {
    const followed: Followed = {
      id,
      view,
      connections: this.options.connectionsOf(view),
      synced: Promise.resolve(),
      hasSynced: false,
      uses: 0,
      idleSince: undefined,
      timer: undefined,
    };
    this.followed.set(id, followed);
    this.ofUser.set(view.user, [...(this.ofUser.get(view.user) ?? []), followed]);
    this.subscribe(followed);
    return followed;
  }

  private subscribe(followed: Followed): void {
    followed.hasSynced = false;
    followed.synced = this.ask(followed);
    followed.synced.then(
      () => {
        followed.hasSynced = true;
        for (const other of this.othersOf(followed)) if (isIdle(other)) void this.forget(other);
      },
      () => {
        // It concerns all who wait; the next one to ask begins anew.
        this.remove(followed);
      },
    );
  }

  /** Subscribes; if there are too many, as often as one that nobody uses can make room. */
  private async ask(followed: Followed): Promise<void> {
    for (;;) {
      try {
        await this.options.feed.subscribe(followed.id, followed.view);
        return;
      } catch (error) {
        const mayAgain = isFull(error) && this.isInPlace(followed) && !this.closed;
        if (!mayAgain || !this.makeRoom()) throw error;
      }
    }
  }

  private makeRoom(): boolean {
    let longest: Followed | undefined;
    for (const one of this.followed.values()) {
      if (!isIdle(one) || one.connections.idleForMs() === 0) continue;
      if (longest === undefined || one.idleSince < (longest.idleSince ?? 0)) longest = one;
    }
    if (longest !== undefined) void this.forget(longest);
    return longest !== undefined;
  }

  /** Follows that the last one gave it back. */
  private async unused(followed: Followed): Promise<void> {
    const isKept =
      this.idleMs > 0 &&
      !this.closed &&
      this.isInPlace(followed) &&
      this.options.view.isKnown(followed.view) &&
      this.othersOf(followed).every((other) => other.uses === 0);
    if (!isKept) {
      await this.forget(followed);
      return;
    }
    followed.idleSince = performance.now();
    this.wait(followed, this.idleMs);
  }

  private wait(followed: Followed, ms: number): void {
    followed.timer = setTimeout(() => {
      const usedMs = followed.connections.idleForMs();
      // What is used is not idle, although nobody has a handle.
      if (usedMs < this.idleMs) this.wait(followed, this.idleMs - usedMs);
      else void this.forget(followed);
    }, ms);
    followed.timer.unref();
  }

  /** Leaves its connections and forgets it. Resolves when those that go are closed. */
  private async forget(followed: Followed): Promise<void> {
    stopWaiting(followed);
    const { id, connections } = followed;
    // After a refusal its place may be another's, whose connections they are now.
    if (this.followed.has(id) && !this.isInPlace(followed)) return;
    // The view is still known: afterwards it cannot say what a connection is for.
    const left = connections.leave(this.othersOf(followed).map(({ view }) => view));
    if (this.remove(followed)) {
      this.options.feed.unsubscribe(id);
      this.options.view.drop(id);
    }
    await left;
  }

  /** The other views of the same user that are known. */
  private othersOf({ view }: Followed): readonly Followed[] {
    return (this.ofUser.get(view.user) ?? []).filter(
      (other) => other.view !== view && this.options.view.isKnown(other.view),
    );
  }

  /** Whether it was in its place, which is free then. */
  private remove(followed: Followed): boolean {
    const { id, view } = followed;
    if (!this.isInPlace(followed)) return false;
    const others = (this.ofUser.get(view.user) ?? []).filter((other) => other !== followed);
    if (others.length > 0) this.ofUser.set(view.user, others);
    else this.ofUser.delete(view.user);
    return this.followed.delete(id);
  }

  private isInPlace(followed: Followed): boolean {
    return this.followed.get(followed.id) === followed;
  }
}

function isIdle(followed: Followed): followed is Followed & { readonly idleSince: number } {
  return followed.idleSince !== undefined;
}

function stopWaiting(followed: Followed): void {
  clearTimeout(followed.timer);
  followed.timer = undefined;
  followed.idleSince = undefined;
}

function isFull(error: unknown): boolean {
  return (
    isClientError(error, 'SUBSCRIPTION_REFUSED') &&
    isSwitchboardError(error.cause, 'TOO_MANY_SUBSCRIPTIONS')
  );
}
