import { ClientError } from '../client-error.js';
import { untilAborted } from '../until-aborted.js';

/**
 * One piece of work that many wait for. Each waiter's signal ends its own waiting only;
 * when the last has gone, the work is aborted. Its outcome reaches all who wait.
 */
export class SharedAttempt<T> {
  readonly #stop = new AbortController();
  readonly #outcome: Promise<T>;
  readonly #onAbandoned: () => void;
  #resolve!: (value: T) => void;
  #reject!: (error: unknown) => void;
  #waiters = 0;
  #over = false;

  /** Begins `work` at once. `onAbandoned` is called, synchronously, when nobody waits any more. */
  constructor(work: (signal: AbortSignal) => Promise<T>, onAbandoned: () => void) {
    this.#onAbandoned = onAbandoned;
    this.#outcome = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      work(this.#stop.signal).then(resolve, reject);
    }).finally(() => (this.#over = true));
    this.#outcome.catch(() => undefined);
  }

  /** Waits for the outcome. Throws CANCELLED when `signal` aborts first. */
  async join(signal?: AbortSignal): Promise<T> {
    this.#waiters += 1;
    try {
      return await untilAborted(this.#outcome, signal);
    } finally {
      this.#waiters -= 1;
      if (this.#waiters === 0 && !this.#over) {
        this.#onAbandoned();
        this.end(new ClientError('CANCELLED'));
      }
    }
  }

  /** Ends the work; all who wait get `error`. Does nothing once there is an outcome. */
  end(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#reject(error);
    this.#stop.abort(error);
  }

  /** Ends the work; all who wait get `value` instead of its outcome. */
  settle(value: T): void {
    if (this.#over) return;
    this.#over = true;
    this.#resolve(value);
    this.#stop.abort(new ClientError('CANCELLED'));
  }
}
