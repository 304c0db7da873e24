import type { JSONRPCMessage } from '@modelcontextprotocol/client';
import { createPendingRequests } from './pending-requests.js';

/** Finds out that a stream is silent although an answer is due on it. */
export interface SilenceLimit {
  /** A message of ours goes out. */
  sending(message: JSONRPCMessage): void;
  /** It could not be sent: no answer will come. */
  failed(message: JSONRPCMessage): void;
  /** Something came, be it half a message. */
  heard(): void;
  /** A whole message came. */
  received(message: JSONRPCMessage): void;
  /** Watches no more. */
  stop(): void;
}

/**
 * Calls `onSilent` once when nothing was heard for `limitMs` while a request waits for its
 * answer. A stream on which nothing is due may be silent for ever. Never, if undefined.
 */
export function createSilenceLimit(
  limitMs: number | undefined,
  onSilent: () => void,
): SilenceLimit {
  const pending = createPendingRequests();
  let timer: NodeJS.Timeout | undefined;
  let verdict: NodeJS.Immediate | undefined;
  const stop = (): void => {
    clearTimeout(timer);
    clearImmediate(verdict);
  };
  // After a stall of our own the timer is due before what arrived meanwhile is read.
  const judge = (): void => void (verdict = setImmediate(onSilent));
  const watch = (): void => {
    stop();
    if (limitMs !== undefined && pending.count > 0) timer = setTimeout(judge, limitMs).unref();
  };
  /** Watches anew when the first request goes out, or one is no longer waited for. */
  const follow = (change: () => void): void => {
    const before = pending.count;
    change();
    const isFirst = before === 0 && pending.count === 1;
    if (isFirst || pending.count < before) watch();
  };
  return {
    sending(message) {
      follow(() => {
        pending.sending(message);
      });
    },
    failed(message) {
      follow(() => {
        pending.failed(message);
      });
    },
    heard: watch,
    received(message) {
      follow(() => {
        pending.settle(message);
      });
    },
    stop,
  };
}
