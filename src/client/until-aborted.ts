import { ClientError, isClientError } from './client-error.js';

/** Waits for `work` until `signal` aborts, which throws CANCELLED. */
export async function untilAborted<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return work;
  if (signal.aborted) {
    // Nobody else looks at how it ends.
    work.catch(() => undefined);
    throw cancelled(signal);
  }
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(cancelled(signal));
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** The error of a caller whose signal aborted: the reason, if it is one of ours, or CANCELLED. */
export function cancelled(signal: AbortSignal, sent = false): ClientError {
  if (isClientError(signal.reason)) return signal.reason;
  return new ClientError('CANCELLED', undefined, { cause: signal.reason, sent });
}

/** Throws CANCELLED if `signal` has aborted. */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw cancelled(signal);
}
