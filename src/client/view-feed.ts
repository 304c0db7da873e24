import type { RecordChange } from '../domain/node-stream.js';
import type { ReaderView } from '../domain/view.js';
import type { KnownServer } from './server-view.js';
import type { StatusSource } from './status.js';

/** A change of one record; what was unchanged has its content by now. */
export type FeedChange = Exclude<RecordChange<KnownServer>, { kind: 'unchanged' }>;

/** One step of the view, applied as a whole. */
export interface FeedStep {
  /** Whether the changes are all that there is, instead of what the view holds. */
  readonly replaces: boolean;
  readonly changes: readonly FeedChange[];
  /** Subscriptions that are complete with this step. */
  readonly synced: readonly string[];
  /**
   * Those of them that begin with it: the changes are all that they see, instead of what an
   * earlier stream told of them. Default none.
   */
  readonly begun?: readonly string[];
}

/** Where a view gets its steps from: snapshot first, then changes, in order. */
export interface ViewFeed {
  readonly status: StatusSource;
  /**
   * Adds a view under an id of the caller's that is not in use. Resolves when a step that
   * names it was applied. Rejects with SUBSCRIPTION_REFUSED, after which the id is free
   * again; with CANCELLED if it is unsubscribed before; with CLIENT_CLOSED.
   */
  subscribe(id: string, view: ReaderView): Promise<void>;
  /** Nothing that is applied afterwards names it. */
  unsubscribe(id: string): void;
  /** Closing twice is fine. */
  close(): void;
}

/** What a feed drives. */
export interface FeedTarget {
  apply(step: FeedStep): void;
  /** What is held, so that a snapshot need not send it again. */
  held(): Iterable<KnownServer>;
  /** Forgets a subscription: what only it may see is unknown from now on. */
  drop(subscriptionId: string): void;
  /** Forgets what only users may see; for a stream that starts without a user's view. */
  forgetUsers(): void;
}
