import { setTimeout as sleep } from 'node:timers/promises';
import { Retry } from '../client/reflector/retry.js';
import { isSwitchboardError, type SwitchboardError } from '../domain/errors.js';
import { codeOf } from '../wire/status.js';

/** How often a write is sent, and how long to wait in between. */
export const REPEAT_DEFAULTS = Object.freeze({ attempts: 10, firstMs: 200, maxMs: 5_000 });

/** What to do with an error that may pass. */
export interface RepeatOptions {
  /** Called before each wait. */
  readonly onWait?: (error: SwitchboardError, waitMs: number) => void;
  /** Ends the waiting; the last error is then thrown. */
  readonly signal: AbortSignal;
  /** For tests. */
  readonly limits?: Readonly<Record<keyof typeof REPEAT_DEFAULTS, number>>;
}

/**
 * Sends a write until it is answered: again after every error that says that it may or may not
 * have been written, or could not be. `send` must carry the same request id each time, so
 * that it has one effect. Throws the last error when that does not end.
 */
export async function repeatWrite<T>(
  send: () => Promise<T>,
  { onWait, signal, limits = REPEAT_DEFAULTS }: RepeatOptions,
): Promise<T> {
  const retry = new Retry({ firstMs: limits.firstMs, maxMs: limits.maxMs, healthyMs: 0 });
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send();
    } catch (error) {
      if (!mayPass(error) || attempt >= limits.attempts) throw error;
      const waitMs = retry.nextMs(error.retryDelayMs);
      onWait?.(error, waitMs);
      const stopped = await sleep(waitMs, false, { signal }).catch(() => true);
      if (stopped) throw error;
    }
  }
}

/** Whether the same request may succeed later, and its outcome now is nothing or unknown. */
export function mayPass(error: unknown): error is SwitchboardError {
  if (!isSwitchboardError(error)) return false;
  return ['UNAVAILABLE', 'DEADLINE_EXCEEDED'].includes(codeOf(error));
}
