import {
  isJSONRPCErrorResponse,
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
} from '@modelcontextprotocol/client';

/** Our requests whose answers are due. */
export interface PendingRequests {
  readonly count: number;
  /** A message of ours goes out. */
  sending(message: JSONRPCMessage): void;
  /** It could not be sent: no answer will come. */
  failed(message: JSONRPCMessage): void;
  /** A message came. Returns whether it answers a request; each is answered once. */
  settle(message: JSONRPCMessage): boolean;
}

/** Makes a record without any. */
export function createPendingRequests(): PendingRequests {
  const waiting = new Set<unknown>();
  return {
    get count() {
      return waiting.size;
    },
    sending(message) {
      if (isJSONRPCRequest(message)) waiting.add(message.id);
      else if (isJSONRPCNotification(message) && message.method === 'notifications/cancelled') {
        waiting.delete(message.params?.['requestId']);
      }
    },
    failed(message) {
      if (isJSONRPCRequest(message)) waiting.delete(message.id);
    },
    settle: (message) =>
      (isJSONRPCResultResponse(message) || isJSONRPCErrorResponse(message)) &&
      waiting.delete(message.id),
  };
}
