import { isSwitchboardError, SwitchboardError } from '../../domain/errors.js';

interface Failure {
  readonly error: SwitchboardError;
  readonly attempts: number;
  /** On the monotonic clock: before it nobody tries again. */
  readonly notBefore: number;
}

const FIRST_MS = 1_000;
const MOST_MS = 60_000;
/** So many failures are remembered; where one was forgotten, a load is tried at once. */
const MOST = 100_000;

/**
 * The loads that failed, each with the time before which nobody tries again (rule 26): 1 s
 * at first, twice as long each time up to a minute, a fifth of it jitter; longer if the
 * source asks for it.
 */
export class LoadFailures {
  private readonly now: () => number;
  private readonly random: () => number;
  /** The oldest first. */
  private readonly failures = new Map<string, Failure>();

  constructor(now: () => number, random: () => number) {
    this.now = now;
    this.random = random;
  }

  failed(key: string, cause: unknown): void {
    const error = isSwitchboardError(cause)
      ? cause
      : new SwitchboardError('INTERNAL', undefined, { cause });
    const attempts = (this.failures.get(key)?.attempts ?? 0) + 1;
    const backoff = Math.min(MOST_MS, FIRST_MS * 2 ** (attempts - 1)) * (0.8 + 0.2 * this.random());
    const delay = Math.max(backoff, Math.min(MOST_MS, error.retryDelayMs ?? 0));
    this.failures.delete(key);
    this.failures.set(key, { error, attempts, notBefore: this.now() + delay });
    const [oldest] = this.failures.keys();
    if (this.failures.size > MOST && oldest !== undefined) this.failures.delete(oldest);
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
}
