import { backoffMs, type BackoffPolicy } from '../domain/backoff.js';

const POLICY: BackoffPolicy = { firstMs: 1_000, maxMs: 60_000, jitter: 0 };

/** How long to wait before a stream is opened again that the server ended. */
export interface ReconnectDelay {
  /** Milliseconds for the next time: what the server asked for, within the bounds of the backoff. */
  next(askedMs: number): number;
  /** Starts anew, since a message arrived. */
  reset(): void;
}

/** Creates a delay that no server can shorten. */
export function createReconnectDelay(): ReconnectDelay {
  let ends = 0;
  return {
    next(askedMs) {
      ends += 1;
      return Math.min(Math.max(askedMs, backoffMs(POLICY, ends, 0)), POLICY.maxMs);
    },
    reset() {
      ends = 0;
    },
  };
}
