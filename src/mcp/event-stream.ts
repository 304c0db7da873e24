import { setImmediate } from 'node:timers/promises';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { limitExceeded, MAX_MESSAGE_SIZE, TOO_LARGE_MESSAGE } from './message.js';

/** What is told of a stream. */
export interface EventStreamListener {
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
  const events: EventSourceMessage[] = [];
  const parser = createParser({
    maxBufferSize: MAX_MESSAGE_SIZE,
    onEvent: (event) => events.push(event),
    onError: (error) => {
      // Lines of another kind are to be ignored.
      if (error.type === 'max-buffer-size-exceeded') throw limitExceeded(TOO_LARGE_MESSAGE);
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
