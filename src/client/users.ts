import type { UserView } from '../domain/view.js';
import { subscriptionIdOf, type NodeView } from './node-view.js';
import type { ViewFeed } from './view-feed.js';

/** Who uses a subscription: as many handles as were opened for equal views. */
interface Use {
  readonly synced: Promise<void>;
  handles: number;
}

/** The users' views that are in use at a node, each subscribed to once. */
export class UserSubscriptions {
  private readonly feed: ViewFeed;
  private readonly view: NodeView;
  private readonly uses = new Map<string, Use>();

  constructor(feed: ViewFeed, view: NodeView) {
    this.feed = feed;
    this.view = view;
  }

  /** Resolves when the view is known; rejects if it is refused. */
  async acquire(view: UserView): Promise<void> {
    const id = subscriptionIdOf(view);
    const use = this.uses.get(id) ?? { synced: this.feed.subscribe(id, view), handles: 0 };
    use.handles += 1;
    this.uses.set(id, use);
    try {
      await use.synced;
    } catch (error) {
      // A refusal concerns all who wait; the next one to ask subscribes anew.
      if (this.uses.get(id) === use) this.uses.delete(id);
      throw error;
    }
  }

  /** Gives one handle back; answers whether it was the last for this view. */
  release(view: UserView): boolean {
    const id = subscriptionIdOf(view);
    const use = this.uses.get(id);
    if (use === undefined) return false;
    use.handles -= 1;
    if (use.handles > 0) return false;
    this.uses.delete(id);
    this.feed.unsubscribe(id);
    this.view.drop(id);
    return true;
  }
}
