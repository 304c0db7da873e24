import type { Commit } from '../domain/commit.js';
import { digestBytes } from '../domain/digest.js';

/** Commits of one tenant as they travel between replicas. */
export interface RelayedCommits {
  readonly kind: 'commits';
  readonly tenant: string;
  readonly epoch: string;
  /** The fingerprint before the first commit: it must fit where it is applied. */
  readonly previousFingerprint: string;
  readonly commits: readonly Commit[];
}

/** What replicas tell each other, told apart by `kind`. */
export type RelayMessage = RelayedCommits;

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
