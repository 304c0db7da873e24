import type { CallOptions } from './call-options.js';

/** What a body knows of the lease under which it runs. */
export interface Lease {
  readonly key: string;
  /** False where leases cannot be had: others may do the same work at the same time. */
  readonly isHeld: boolean;
  /** Why it is not held; for logs. */
  readonly cause?: unknown;
  /** Aborts when a held lease is lost: from then on another may hold it. Also on `close`. */
  readonly signal: AbortSignal;
}

/** `signal` gives up waiting; it does not reach a body that runs. */
export interface LeaseOptions extends CallOptions {
  /** For how long the lease lives without being renewed; it renews itself. Milliseconds. */
  readonly ttlMs: number;
}

/**
 * Leases let one worker at a time do a piece of work. A lease saves work and is never
 * what makes a result correct: that comes from what the append demands. So there are three
 * outcomes of asking for one: it is held; another holds it, and the caller waits; or leases
 * cannot be had, and the work is done without.
 *
 * Errors: CLOSED after `close`; CANCELLED when `signal` aborts while waiting.
 */
export interface Leases {
  /**
   * Waits until no other holds the lease `key`, in the order of asking within a process,
   * runs `body` while holding it, and releases it whatever becomes of `body`. Where leases
   * cannot be had, or cannot any more while it waits, it runs `body` at once, without one.
   * Returns or throws what `body` does.
   */
  withLease<T>(key: string, options: LeaseOptions, body: (lease: Lease) => Promise<T>): Promise<T>;

  /** Aborts the signals of what is held and refuses what waits. Closing twice is fine. */
  close(): Promise<void>;
}
