import { backoffMs } from '../../domain/backoff.js';

/** How long to wait before opening the stream again. Milliseconds. */
export interface RetryOptions {
  /** Default 100. */
  readonly firstMs: number;
  /** Default 10,000. */
  readonly maxMs: number;
  /** After a stream that was synced for so long, delays begin with `firstMs` again. Default 10,000. */
  readonly healthyMs: number;
}

export const RETRY_DEFAULTS: RetryOptions = Object.freeze({
  firstMs: 100,
  maxMs: 10_000,
  healthyMs: 10_000,
});

/**
 * Delays that double up to a bound. Each is drawn from the upper half of what it may be, so
 * that nodes which were cut off together do not come back together.
 */
export class Retry {
  private readonly options: RetryOptions;
  private failures = 0;

  constructor(options: RetryOptions) {
    this.options = options;
  }

  /** The next delay. It comes on top of `afterMs`, which is what the server asked for. */
  nextMs(afterMs = 0): number {
    const { firstMs, maxMs } = this.options;
    this.failures += 1;
    return afterMs + backoffMs({ firstMs, maxMs, jitter: 0.5 }, this.failures, Math.random());
  }

  /** Up to a fifth more than what the server asked for, for the same reason. */
  jitteredMs(afterMs: number): number {
    return afterMs * (1 + Math.random() / 5);
  }

  /** A stream ended that had been synced for `healthyForMs`. */
  ended(healthyForMs: number): void {
    if (healthyForMs >= this.options.healthyMs) this.failures = 0;
  }
}
