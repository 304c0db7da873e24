import {
  isJSONRPCErrorResponse,
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  type RequestId,
  type TransportSendOptions,
} from '@modelcontextprotocol/client';
import { jsonSize } from './json-size.js';

/** Bounds what the pages of a list add up to. */
export interface ListLimit {
  /** A message of ours goes out. */
  sending(message: JSONRPCMessage, options: TransportSendOptions | undefined): void;
  /** A message came. Returns whether it is a page with which its list is too large. */
  isExceededBy(message: JSONRPCMessage): boolean;
}

/**
 * Marks the requests of one list for its limit, in options for the SDK: the headers are what it
 * hands over to the transport, as they are, with the request for each page.
 */
export function markList(): { readonly headers: Record<string, string> } {
  return { headers: {} };
}

/** Makes the limit of a connection. Pages of one list have the same `headers` object. */
export function createListLimit(maxBytes: number): ListLimit {
  const taken = new WeakMap<object, number>();
  const due = new Map<RequestId, object>();
  return {
    sending(message, { headers, requestSignal } = {}) {
      if (isJSONRPCRequest(message) && headers !== undefined) {
        const { id } = message;
        due.set(id, headers);
        requestSignal?.addEventListener('abort', () => due.delete(id), { once: true });
      } else if (isJSONRPCNotification(message) && message.method === 'notifications/cancelled') {
        due.delete(message.params?.['requestId'] as RequestId);
      }
    },
    isExceededBy(message) {
      const isResult = isJSONRPCResultResponse(message);
      if (!isResult && !isJSONRPCErrorResponse(message)) return false;
      const list = message.id === undefined ? undefined : due.get(message.id);
      if (list === undefined) return false;
      due.delete(message.id as RequestId);
      const bytes = (taken.get(list) ?? 0) + (isResult ? jsonSize(message.result) : 0);
      taken.set(list, bytes);
      return bytes > maxBytes;
    },
  };
}
