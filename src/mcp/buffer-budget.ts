import type { McpError } from './mcp-error.js';
import { limitExceeded, MAX_MESSAGE_SIZE } from './message.js';

/** Messages of the largest size that one connection may leave unfinished, over all its streams. */
const MAX_UNFINISHED = 4;

/** What a connection keeps of messages that are not complete yet. */
export interface BufferBudget {
  /** The largest message. */
  readonly maxMessageBytes: number;
  /** Counts bytes that are kept from now on. Throws `limit_exceeded`. */
  hold(bytes: number): void;
  /** Counts bytes that are kept no longer. */
  release(bytes: number): void;
  /** Ends the connection because of a limit that is exceeded. Throws `limit_exceeded`. */
  fail(text: string): never;
}

/** Makes the budget of one connection. After the first failure every `hold` fails. */
export function createBufferBudget(
  onExceeded: (error: McpError) => void,
  maxMessageBytes = MAX_MESSAGE_SIZE,
): BufferBudget {
  const maxHeld = MAX_UNFINISHED * maxMessageBytes;
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
    maxMessageBytes,
    hold(bytes) {
      if (failure !== undefined) throw failure;
      held += bytes;
      if (held > maxHeld) fail(`more than ${String(maxHeld)} bytes of unfinished messages`);
    },
    release(bytes) {
      held -= bytes;
    },
    fail,
  };
}
