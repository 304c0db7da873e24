import { backoffMs } from '../../domain/backoff.js';
import { isSwitchboardError, SwitchboardError } from '../../domain/errors.js';

/** A load that failed, as the replicas tell each other. */
export interface LoadFailure {
  readonly error: SwitchboardError;
  /** In a row. */
  readonly attempts: number;
  /** For how long nobody tries again, from when it is told. Milliseconds. */
  readonly retryDelayMs: number;
}

interface Remembered extends LoadFailure {
  /** On the monotonic clock. */
  readonly notBefore: number;
}

const BACKOFF = { firstMs: 1_000, maxMs: 60_000, jitter: 0.2 };
/** Of more users than this the oldest failures are forgotten; their loads are tried at once. */
const MAX_REMEMBERED = 100_000;

/**
 * The loads that failed, here or at another replica, each with the time before which nobody
 * tries again (rule 26): 1 s at first, twice as long each time up to a minute, a fifth of it
 * jitter; longer if the source asks for it.
 */
export class LoadFailures {
  private readonly now: () => number;
  private readonly random: () => number;
  /** The oldest first. */
  private readonly failures = new Map<string, Remembered>();

  constructor(now: () => number, random: () => number) {
    this.now = now;
    this.random = random;
  }

  /** A load failed here. Returns what others have to know of it. */
  failed(key: string, cause: unknown): LoadFailure {
    const error = isSwitchboardError(cause)
      ? cause
      : new SwitchboardError('INTERNAL', undefined, { cause });
    const attempts = (this.failures.get(key)?.attempts ?? 0) + 1;
    const waitMs = backoffMs(BACKOFF, attempts, this.random());
    const retryDelayMs = Math.max(waitMs, Math.min(BACKOFF.maxMs, error.retryDelayMs ?? 0));
    return this.remember(key, { error, attempts, retryDelayMs });
  }

  /** A load failed elsewhere. One that is known already is waited out no longer for that. */
  failedElsewhere(key: string, failure: LoadFailure): void {
    const known = this.failures.get(key);
    const isNews = known === undefined || known.notBefore <= this.now();
    if (isNews || known.attempts < failure.attempts) this.remember(key, failure);
  }

  succeeded(key: string): void {
    this.failures.delete(key);
  }

  /** The failure that is still waited out, with the time that is left as its retry delay. */
  pending(key: string): SwitchboardError | undefined {
    const failure = this.failures.get(key);
    const left = (failure?.notBefore ?? 0) - this.now();
    if (failure === undefined || left <= 0) return undefined;
    const { reason, message, metadata } = failure.error;
    return new SwitchboardError(reason, message, {
      metadata,
      retryDelayMs: Math.ceil(left),
      cause: failure.error,
    });
  }

  /** The newest failure since the last success. */
  last(key: string): SwitchboardError | undefined {
    return this.pending(key) ?? this.failures.get(key)?.error;
  }

  private remember(key: string, failure: LoadFailure): LoadFailure {
    this.failures.delete(key);
    this.failures.set(key, { ...failure, notBefore: this.now() + failure.retryDelayMs });
    const [oldest] = this.failures.keys();
    if (this.failures.size > MAX_REMEMBERED && oldest !== undefined) this.failures.delete(oldest);
    return failure;
  }
}
