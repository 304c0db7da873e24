import type { UserView } from '../domain/view.js';
import { subscriptionIdOf, type NodeView } from './node-view.js';
import type { ViewFeed } from './view-feed.js';

/** One use of a user's view. */
export interface ViewUse {
  /** Resolves when the view is known; rejects as `ViewFeed.subscribe` does. */
  readonly synced: Promise<void>;
  /**
   * Gives it back. With the last one the view is forgotten; just before, `beforeForgetting`
   * is told the views of the same user that stay in use. Twice is fine.
   */
  release(beforeForgetting: (others: readonly UserView[]) => void): void;
}

/** A view in use, by as many as asked for it. */
interface Followed {
  readonly view: UserView;
  synced: Promise<void>;
  hasSynced: boolean;
  uses: number;
}

/** The users' views that are in use at a node, each subscribed to once. */
export class UserSubscriptions {
  private readonly feed: ViewFeed;
  private readonly view: NodeView;
  private readonly followed = new Map<string, Followed>();

  constructor(feed: ViewFeed, view: NodeView) {
    this.feed = feed;
    this.view = view;
  }

  acquire(view: UserView): ViewUse {
    const id = subscriptionIdOf(view);
    const followed = this.followed.get(id) ?? this.follow(id, view);
    // The control plane may have refused it since, as when a stream was opened again.
    if (followed.hasSynced && !this.view.isKnown(view)) this.subscribe(id, followed);
    followed.uses += 1;
    let released = false;
    return {
      synced: followed.synced,
      release: (beforeForgetting) => {
        if (released) return;
        released = true;
        followed.uses -= 1;
        if (followed.uses > 0) return;
        beforeForgetting(this.othersOf(followed));
        this.forget(id, followed);
      },
    };
  }

  private follow(id: string, view: UserView): Followed {
    const followed = { view, synced: Promise.resolve(), hasSynced: false, uses: 0 };
    this.followed.set(id, followed);
    this.subscribe(id, followed);
    return followed;
  }

  private subscribe(id: string, followed: Followed): void {
    followed.hasSynced = false;
    followed.synced = this.feed.subscribe(id, followed.view);
    followed.synced.then(
      () => (followed.hasSynced = true),
      () => {
        // It concerns all who wait; the next one to ask begins anew.
        if (this.followed.get(id) === followed) this.followed.delete(id);
      },
    );
  }

  private othersOf({ view }: Followed): readonly UserView[] {
    const views = [...this.followed.values()].map((followed) => followed.view);
    return views.filter((other) => other !== view && other.user === view.user);
  }

  private forget(id: string, followed: Followed): void {
    // After a refusal the place may be another's.
    if (this.followed.get(id) !== followed) return;
    this.followed.delete(id);
    this.feed.unsubscribe(id);
    this.view.drop(id);
  }
}
