import type { EncodedCommit } from '../domain/commit.js';
import type { CallOptions } from './call-options.js';

/** Commits of one tenant as they travel between replicas. */
export interface RelayedCommits {
  readonly tenant: string;
  readonly epoch: string;
  /** The fingerprint before the first commit: it must fit where it is applied. */
  readonly previousFingerprint: string;
  /** As the log has them, so that whoever receives them can verify the fingerprints. */
  readonly commits: readonly EncodedCommit[];
}

/**
 * The Relay carries commits between replicas fast. It may lose, repeat and reorder;
 * whoever receives fills gaps from the Catalog.
 *
 * Errors: CLOSED after `close`, CANCELLED when `signal` aborts.
 */
export interface Relay {
  /** Hands the commits to all who subscribe. Resolves when they are on their way. */
  publish(message: RelayedCommits, options?: CallOptions): Promise<void>;

  /**
   * Calls `receive` for each message published after it resolved. A `receive` that throws
   * disturbs neither the publisher nor other subscribers. The result ends it; ending twice
   * is fine.
   */
  subscribe(receive: (message: RelayedCommits) => void): Promise<() => Promise<void>>;

  /** Ends all subscriptions. Closing twice is fine. */
  close(): Promise<void>;
}
