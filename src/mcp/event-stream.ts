import { setImmediate } from 'node:timers/promises';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { McpError } from './mcp-error.js';
import { largeMessage, limitExceeded } from './message.js';

/** What is told of a stream, and how much of it. */
export interface EventStreamListener {
  /** The largest event. */
  readonly maxMessageBytes: number;
  readonly onEvent: (event: EventSourceMessage) => void;
  /** Something came, be it a comment or a part of an event. */
  readonly onHeard: () => void;
}

/**
 * Reads server-sent events until the stream ends. Rejects when it breaks, when an event is
 * larger than a message may be, and with what `onEvent` throws. Never begins again: what
 * ids and times to reconnect say is not followed.
 */
export async function readEvents(
  body: ReadableStream<Uint8Array>,
  listener: EventStreamListener,
): Promise<void> {
  const { maxMessageBytes } = listener;
  const tooLarge = (): McpError => limitExceeded(largeMessage(maxMessageBytes));
  const events: EventSourceMessage[] = [];
  const parser = createParser({
    maxBufferSize: maxMessageBytes,
    onEvent: (event) => {
      // The parser has a limit only for what it keeps from one piece to the next.
      if (Buffer.byteLength(event.data) > maxMessageBytes) throw tooLarge();
      events.push(event);
    },
    onError: (error) => {
      // Lines of another kind are to be ignored.
      if (error.type === 'max-buffer-size-exceeded') throw tooLarge();
    },
  });
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    listener.onHeard();
    parser.feed(decoder.decode(chunk, { stream: true }));
    for (const event of events.splice(0)) {
      listener.onEvent(event);
      // The SDK handles notices a moment later, and answers at once: it would drop the progress
      // that comes in one piece with an answer.
      await setImmediate();
    }
  }
}
