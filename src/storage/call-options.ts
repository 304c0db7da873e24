import { isSwitchboardError, SwitchboardError } from '../domain/errors.js';
import { timerMs } from '../domain/timer.js';

/**
 * How long a call of a contract may take. Every call takes these, and whoever makes calls on
 * behalf of another passes on what it was given.
 */
export interface CallOptions {
  /** Gives the call up when it aborts: CANCELLED. */
  readonly signal?: AbortSignal;
  /**
   * Until when the call may take: DEADLINE_EXCEEDED. Milliseconds of the monotonic clock
   * (`performance.now()`), and absolute, so that one value serves all calls of a request.
   */
  readonly deadline?: number;
}

/**
 * Waits for a write that the store has already, until the deadline: then OUTCOME_UNKNOWN. The
 * signal changes nothing any more.
 */
export async function untilOutcomeUnknown<T>(
  write: Promise<T>,
  { deadline = Infinity }: CallOptions,
): Promise<T> {
  try {
    return await untilGivenUp(write, { deadline });
  } catch (cause) {
    if (!isSwitchboardError(cause, 'DEADLINE_EXCEEDED')) throw cause;
    throw new SwitchboardError('OUTCOME_UNKNOWN', undefined, { cause });
  }
}

/** Throws CANCELLED or DEADLINE_EXCEEDED if the call is to be given up already. */
export function throwIfGivenUp({ signal, deadline = Infinity }: CallOptions = {}): void {
  if (signal?.aborted === true) throw new SwitchboardError('CANCELLED');
  if (performance.now() >= deadline) throw new SwitchboardError('DEADLINE_EXCEEDED');
}

/** Waits for `work`, which goes on regardless. Throws CANCELLED or DEADLINE_EXCEEDED. */
export async function untilGivenUp<T>(work: Promise<T>, options: CallOptions = {}): Promise<T> {
  const { signal, deadline = Infinity } = options;
  if (signal === undefined && deadline === Infinity) return work;
  let timer: NodeJS.Timeout | undefined;
  let onAbort = (): void => undefined;
  const givenUp = new Promise<never>((_resolve, reject) => {
    onAbort = () => {
      reject(new SwitchboardError('CANCELLED'));
    };
    if (signal?.aborted === true) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    if (deadline === Infinity) return;
    const leftMs = timerMs(Math.max(0, deadline - performance.now()));
    timer = setTimeout(() => {
      reject(new SwitchboardError('DEADLINE_EXCEEDED'));
    }, leftMs);
  });
  try {
    return await Promise.race([work, givenUp]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}
