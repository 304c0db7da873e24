import { SwitchboardError } from '../../domain/errors.js';
import { untilGivenUp, type CallOptions } from '../../storage/call-options.js';
import { untilAborted } from './until-aborted.js';

/**
 * Does work that the Catalog has to answer within `ms`. After that its signal aborts, and nobody
 * waits for it any more, whatever it does: CATALOG_UNAVAILABLE.
 */
export async function withDeadline<T>(
  ms: number,
  work: (options: { readonly signal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => {
    const text = `the Catalog did not respond within ${String(ms)} ms`;
    late.abort(new SwitchboardError('CATALOG_UNAVAILABLE', text, { retryDelayMs: 1_000 }));
  }, ms);
  try {
    return await untilAborted(work({ signal: late.signal }), late.signal);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Does work for a caller that may give it up: passes on its signal, and a deadline `ms` from now.
 * Waits no longer than they allow, whatever the work does: CANCELLED, DEADLINE_EXCEEDED.
 */
export function callInTime<T>(
  ms: number,
  work: (call: CallOptions) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const deadline = performance.now() + ms;
  const call = signal === undefined ? { deadline } : { deadline, signal };
  return untilGivenUp(work(call), call);
}
