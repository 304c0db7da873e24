import type { McpError } from './mcp-error.js';
import { limitExceeded, MAX_MESSAGE_SIZE } from './message.js';

/** Bytes of unfinished messages that one connection may make us keep, over all its streams. */
export const MAX_BUFFERED = 4 * MAX_MESSAGE_SIZE;

/** What a connection keeps of messages that are not complete yet. */
export interface BufferBudget {
  /** Counts bytes that are kept from now on. Throws `limit_exceeded`. */
  hold(bytes: number): void;
  /** Counts bytes that are kept no longer. */
  release(bytes: number): void;
  /** Ends the connection because of a limit that is exceeded. Throws `limit_exceeded`. */
  fail(text: string): never;
}

/** Makes the budget of one connection. After the first failure every `hold` fails. */
export function createBufferBudget(onExceeded: (error: McpError) => void): BufferBudget {
  let held = 0;
  let failure: McpError | undefined;
  const fail = (text: string): never => {
    if (failure === undefined) {
      failure = limitExceeded(text);
      onExceeded(failure);
    }
    throw failure;
  };
  return {
    hold(bytes) {
      if (failure !== undefined) throw failure;
      held += bytes;
      if (held > MAX_BUFFERED)
        fail(`more than ${String(MAX_BUFFERED)} bytes of unfinished messages`);
    },
    release(bytes) {
      held -= bytes;
    },
    fail,
  };
}
