import type { ReaderView } from '../domain/view.js';
import type { KnownServer } from './server-view.js';
import type { StatusSource } from './status.js';

/** How one subscription sees a PRIVATE record. */
export interface FeedSight {
  readonly subscriptionId: string;
  readonly owned: boolean;
  /** Of servers of one name that were granted, the one with the smallest wins. */
  readonly grantRevision: number;
}

/** A change of one record. `sights` are all subscriptions that see a PRIVATE one. */
export type FeedChange =
  | { readonly kind: 'upsert'; readonly server: KnownServer; readonly sights: readonly FeedSight[] }
  | { readonly kind: 'removed'; readonly id: string };

/** One step of the view, applied as a whole. */
export interface FeedStep {
  /** Whether the changes are all that there is, instead of what the view holds. */
  readonly replaces: boolean;
  readonly changes: readonly FeedChange[];
  /** Subscriptions that are complete with this step. */
  readonly synced: readonly string[];
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
