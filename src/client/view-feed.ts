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

/** A change of one record. An unchanged one keeps the content that the view holds. */
export type FeedChange =
  | { readonly kind: 'upsert'; readonly server: KnownServer; readonly sights: readonly FeedSight[] }
  | { readonly kind: 'unchanged'; readonly id: string; readonly sights: readonly FeedSight[] }
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
   * Adds a view under an id of the caller's; again under the same id replaces it. Resolves
   * when a step that names it was applied; rejects if it is refused or the feed is closed.
   */
  subscribe(id: string, view: ReaderView): Promise<void>;
  unsubscribe(id: string): void;
  /** Closing twice is fine. */
  close(): void;
}

/** What a feed drives. */
export interface FeedTarget {
  apply(step: FeedStep): void;
  /** The copies held, so that a snapshot need not send them again. */
  held(): Iterable<Pick<KnownServer, 'id' | 'etag' | 'accessEtag'>>;
  /** Forgets what only users may see; for a feed that starts without a user's view. */
  forgetUsers(): void;
}
