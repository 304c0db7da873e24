import { deserializeMessage, type JSONRPCMessage } from '@modelcontextprotocol/client';

/** The largest message that is taken from a server, in bytes or characters; as for processes. */
export const MAX_MESSAGE_SIZE = 10 * 1024 * 1024;

/** Who takes messages, and what is told when one is none. */
export interface MessageListener {
  onmessage?: ((message: JSONRPCMessage) => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
}

/** Hands over one message. A text that is no message is told as an error and skipped. */
export function deliverMessage(text: string, to: MessageListener): void {
  let message: JSONRPCMessage;
  try {
    message = deserializeMessage(text);
  } catch (error) {
    to.onerror?.(error as Error);
    return;
  }
  to.onmessage?.(message);
}
