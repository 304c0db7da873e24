import type { CallOptions } from './call-options.js';

/** A lease that is held. */
export interface Lease {
  readonly key: string;
  /** Aborts when the lease is lost, or the caller's own signal aborts. */
  readonly signal: AbortSignal;
}

export interface LeaseOptions extends CallOptions {
  /** For how long the lease lives without being renewed; it renews itself. Milliseconds. */
  readonly ttlMs: number;
}

/**
 * Leases let one worker at a time do a piece of work. A lease saves work and is never
 * what makes a result correct: that comes from what the append demands.
 *
 * Errors: CLOSED after `close`; CANCELLED when `signal` aborts while waiting.
 */
export interface Leases {
  /**
   * Waits for the lease `key`, in the order of asking within a process, runs `body` while
   * holding it, and lets it go whatever becomes of `body`. Answers or throws what `body`
   * does.
   */
  withLease<T>(key: string, options: LeaseOptions, body: (lease: Lease) => Promise<T>): Promise<T>;

  /** Aborts what is held and refuses what waits. Closing twice is fine. */
  close(): Promise<void>;
}
