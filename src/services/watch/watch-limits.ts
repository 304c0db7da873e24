/** Bounds of every stream that watches. */
export interface WatchLimits {
  /** Something is sent at least so often. Milliseconds, default 10,000. */
  readonly heartbeatMs: number;
  /** Commits may wait for a reader up to so many bytes. Default 1 MiB. */
  readonly budgetBytes: number;
  /** A reader that does not read for so long is cut off. Milliseconds, default 30,000. */
  readonly stallMs: number;
  /** A node that does not acknowledge for so long is cut off. Milliseconds, default 60,000. */
  readonly ackMs: number;
  /** So many resets within `resetWindowMs` end a stream. Default 3. */
  readonly maxResets: number;
  /** Milliseconds, default 300,000. */
  readonly resetWindowMs: number;
  /** Snapshots that a replica builds at once. Default 16. */
  readonly maxSnapshots: number;
  /** Replays that are under way at once at a replica. Default 16. */
  readonly maxReplays: number;
  /** A reader who takes a snapshot or a replay slower than this, for `stallMs`, is cut off. Default 16 KiB. */
  readonly minBytesPerSecond: number;
}

export const WATCH_DEFAULTS: WatchLimits = Object.freeze({
  heartbeatMs: 10_000,
  budgetBytes: 1024 * 1024,
  stallMs: 30_000,
  ackMs: 60_000,
  maxResets: 3,
  resetWindowMs: 300_000,
  maxSnapshots: 16,
  maxReplays: 16,
  minBytesPerSecond: 16 * 1024,
});
