import {
  isJSONRPCErrorResponse,
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
} from '@modelcontextprotocol/client';

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
  const waiting = new Set<unknown>();
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
    if (limitMs !== undefined && waiting.size > 0) timer = setTimeout(judge, limitMs).unref();
  };
  const settle = (id: unknown): void => {
    if (waiting.delete(id)) watch();
  };
  return {
    sending(message) {
      if (isJSONRPCRequest(message)) {
        waiting.add(message.id);
        if (waiting.size === 1) watch();
      } else if (isJSONRPCNotification(message) && message.method === 'notifications/cancelled') {
        settle(message.params?.['requestId']);
      }
    },
    failed(message) {
      if (isJSONRPCRequest(message)) settle(message.id);
    },
    heard: watch,
    received(message) {
      if (isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message)) settle(message.id);
    },
    stop,
  };
}
