import { deserializeMessage, type JSONRPCMessage } from '@modelcontextprotocol/client';
import { jsonExcess } from './json-limits.js';
import { McpError } from './mcp-error.js';

/** The largest message that is taken from a server unless a connection has another limit, in bytes. */
export const MAX_MESSAGE_SIZE = 10 * 1024 * 1024;

/** Who takes messages, and what is told when one is none. */
export interface MessageListener {
  onmessage?: ((message: JSONRPCMessage) => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
}

/**
 * Hands over one message. A text that is no message is told as an error and skipped. Throws
 * `limit_exceeded` for one that is too deep, or has too many values, to be parsed.
 */
export function deliverMessage(text: string, to: MessageListener): void {
  const excess = jsonExcess(Buffer.from(text));
  if (excess !== undefined) throw limitExceeded(`a message with ${excess}`);
  let message: JSONRPCMessage;
  try {
    message = deserializeMessage(text);
  } catch (error) {
    to.onerror?.(error as Error);
    return;
  }
  to.onmessage?.(message);
}

/** The error of a connection that ends because of what the server sent. */
export function limitExceeded(what: string): McpError {
  return new McpError('limit_exceeded', `the server sent ${what}`, { sent: true });
}

/** How a message is called that is larger than one may be. */
export function largeMessage(maxBytes: number): string {
  return `a message of more than ${String(maxBytes)} bytes`;
}
