import { timerMs } from '../domain/timer.js';

/** A signal that ends with a time. */
export interface TimeLimit {
  readonly signal: AbortSignal;
  /** Ends nothing any more, and lets go of the other signal. */
  release(): void;
}

/** Aborts when `signal` does, or with what `error` makes after `ms`. */
export function createTimeLimit(
  ms: number,
  signal: AbortSignal | undefined,
  error: () => Error,
): TimeLimit {
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => stop.abort(error()), timerMs(ms));
  return {
    signal: stop.signal,
    release: () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    },
  };
}
