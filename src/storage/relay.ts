import type { EncodedCommit } from '../domain/commit.js';
import { digestBytes } from '../domain/digest.js';
import type { ErrorReason } from '../domain/errors.js';

/** Commits of one tenant as they travel between replicas. */
export interface RelayedCommits {
  readonly kind: 'commits';
  readonly tenant: string;
  readonly epoch: string;
  /** The fingerprint before the first commit: it must fit where it is applied. */
  readonly previousFingerprint: string;
  /** As the log has them, so that whoever receives them can verify the fingerprints. */
  readonly commits: readonly EncodedCommit[];
}

/**
 * That a private source failed for a user, so that no other replica asks it at once (rule 26).
 * Losing it costs one question.
 */
export interface RelayedLoadFailure {
  readonly kind: 'load-failed';
  readonly tenant: string;
  readonly user: string;
  /** The name of the private source. */
  readonly source: string;
  /** Of the user's load record when the load failed, 0 for none: a newer one counts instead. */
  readonly loadRevision: number;
  readonly reason: ErrorReason;
  readonly message: string;
  /** Failures in a row. */
  readonly attempts: number;
  /** For how long nobody tries again, from when the message is received. Milliseconds. */
  readonly retryDelayMs: number;
}

/** What replicas tell each other, told apart by `kind`. */
export type RelayMessage = RelayedCommits | RelayedLoadFailure;

/**
 * The Relay carries messages between replicas fast. It may lose, repeat and reorder them;
 * whoever receives fills gaps from the Catalog (protocol.md rule 29).
 */
export interface Relay {
  /** Into how many shards the tenants are divided: see `shardOf`. At least 1. */
  readonly shards: number;

  /**
   * Puts the message into a bounded queue and returns at once; it never throws. What does not
   * fit in the queue is dropped, the oldest message first. After `close` it does nothing.
   */
  publish(message: RelayMessage): void;

  /**
   * Calls `receive` for each message about a tenant of the shards that is published after it
   * resolved, also by this instance, and never within `publish`. A `receive` that throws
   * disturbs neither the publisher nor other subscribers. The returned function ends the
   * subscription; ending it twice is fine. Throws CLOSED after `close`.
   */
  subscribe(
    shards: readonly number[],
    receive: (message: RelayMessage) => void,
  ): Promise<() => Promise<void>>;

  /** Ends all subscriptions. Closing twice is fine. */
  close(): Promise<void>;
}

/** The shard of a tenant, from 0: the same at every replica. */
export function shardOf(tenant: string, shards: number): number {
  return digestBytes('shard', tenant).readUInt32BE(0) % shards;
}

/** All shards of a relay. */
export function shardsOf({ shards }: Pick<Relay, 'shards'>): readonly number[] {
  return Array.from({ length: shards }, (_, shard) => shard);
}
