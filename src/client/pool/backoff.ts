import { backoffMs } from '../../domain/backoff.js';
import { ClientError, isClientError, type ClientErrorReason } from '../client-error.js';

/** How failed connects are spread. */
export interface BackoffOptions {
  /** Milliseconds after the first failure. Default 500. */
  readonly initialMs?: number;
  /** Milliseconds at most; each failure in a row doubles the time. Default 30,000. */
  readonly maxMs?: number;
}

/** A process that ended earlier than this, in milliseconds, counts as a failed connect. */
export const YOUNG_MS = 1000;

/** What says something about the server. The others cost it nothing and may be over at once. */
const COUNTED = new Set<ClientErrorReason>(['CONNECT_FAILED', 'CONNECT_TIMEOUT', 'UNAUTHORIZED']);

/**
 * Remembers how a connect failed, so that a broken server is not hammered: until the time
 * is over, who asks gets the last error at once. After that one attempt is made, which all
 * who ask then share. A success or another config forgets everything.
 */
export class Backoff {
  readonly #initialMs: number;
  readonly #maxMs: number;
  #failures = 0;
  #until = 0;
  /** When the connect succeeded that was followed by no failure yet. */
  #upSince: number | undefined;
  #configHash = '';
  #last: ClientError | undefined;

  constructor({ initialMs = 500, maxMs = 30_000 }: BackoffOptions) {
    this.#initialMs = initialMs;
    this.#maxMs = maxMs;
  }

  /** The error to answer instead of trying; undefined when it is time to try. */
  refusal(configHash: string): ClientError | undefined {
    if (this.#last === undefined || configHash !== this.#configHash) return undefined;
    const leftMs = this.#until - performance.now();
    return leftMs > 0 ? withRetryAfter(this.#last, leftMs) : undefined;
  }

  /** Takes note of a failed connect. Answers the error with the time of the next attempt. */
  failed(error: unknown, configHash: string): unknown {
    if (!isClientError(error) || !COUNTED.has(error.reason)) return error;
    const now = performance.now();
    const wasUp = this.#upSince !== undefined && now - this.#upSince > YOUNG_MS;
    if (configHash !== this.#configHash || wasUp) this.clear();
    this.#upSince = undefined;
    this.#configHash = configHash;
    this.#failures += 1;
    const policy = { firstMs: this.#initialMs, maxMs: this.#maxMs, jitter: 0.5 };
    const waitMs = backoffMs(policy, this.#failures, Math.random());
    this.#until = now + waitMs;
    this.#last = error;
    return withRetryAfter(error, waitMs);
  }

  /** Whether there is no failure to remember. */
  isOver(): boolean {
    // A little longer than the wait itself: the next failure should still double it.
    const sinceMs = performance.now() - Math.max(this.#until, this.#upSince ?? 0);
    return this.#failures === 0 || sinceMs > this.#maxMs;
  }

  /** Takes note of a connect. A connection must live a moment before failures are forgotten. */
  succeeded(): void {
    this.#until = 0;
    this.#last = undefined;
    this.#upSince = performance.now();
  }

  clear(): void {
    this.#failures = 0;
    this.#until = 0;
    this.#last = undefined;
  }
}

function withRetryAfter(error: ClientError, ms: number): ClientError {
  const { reason, message, metadata, sent, cause } = error;
  return new ClientError(reason, message, { metadata, sent, cause, retryAfterMs: Math.ceil(ms) });
}
