import { setImmediate as nextTurn } from 'node:timers/promises';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { BufferBudget } from './buffer-budget.js';
import { jsonExcess } from './json-limits.js';
import { largeMessage } from './message.js';

/** The end of an event, after which nothing is kept. */
const ENDS_EVENT = /(?:\n\n|\r\r|\r\n\r\n)$/;

const encoder = new TextEncoder();

/**
 * The events of a stream, each in a chunk and a turn of its own, so that no number of them
 * holds up other connections. Fails with what `budget` throws when an event is larger or
 * deeper than a message may be. Comments are left out.
 */
export function boundedEvents(
  body: ReadableStream<Uint8Array>,
  budget: BufferBudget,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const events = createEventReader(budget);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          let event = events.next();
          while (event === undefined) {
            const { done, value } = await reader.read();
            if (done) {
              events.end();
              controller.close();
              return;
            }
            events.feed(value);
            event = events.next();
          }
          await nextTurn();
          controller.enqueue(event);
        } catch (error) {
          events.end();
          controller.error(error);
          await reader.cancel(error).catch(() => undefined);
        }
      },
      async cancel(reason) {
        events.end();
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

/** Finds events in bytes. What is kept of an unfinished one is held in the budget until end(). */
interface EventReader {
  feed(chunk: Uint8Array): void;
  /** The next complete event; undefined for none. */
  next(): Uint8Array | undefined;
  end(): void;
}

function createEventReader(budget: BufferBudget): EventReader {
  const decoder = new TextDecoder();
  const tooLarge = largeMessage(budget.maxMessageBytes);
  let complete: Uint8Array[] = [];
  let at = 0;
  let held = 0;
  const release = (): void => {
    budget.release(held);
    held = 0;
  };
  const parser = createParser({
    maxBufferSize: budget.maxMessageBytes,
    onEvent: (event) => {
      const data = encoder.encode(event.data);
      // The parser has a limit only for what it keeps from one piece to the next.
      if (data.byteLength > budget.maxMessageBytes) budget.fail(tooLarge);
      const excess = jsonExcess(data);
      if (excess !== undefined) budget.fail(`a message with ${excess}`);
      complete.push(encoder.encode(toText(event)));
    },
    onRetry: (ms) => complete.push(encoder.encode(`retry: ${String(ms)}\n\n`)),
    onError: ({ type }) => {
      // Lines of another kind are to be ignored.
      if (type !== 'max-buffer-size-exceeded') return;
      budget.fail(tooLarge);
    },
  });
  return {
    feed(chunk) {
      held += chunk.byteLength;
      budget.hold(chunk.byteLength);
      const text = decoder.decode(chunk, { stream: true });
      complete = [];
      at = 0;
      parser.feed(text);
      if (complete.length > 0 || ENDS_EVENT.test(text)) release();
    },
    next() {
      const event = complete[at];
      at += 1;
      return event;
    },
    end: release,
  };
}

function toText({ id, event, data }: EventSourceMessage): string {
  const idLine = id === undefined ? '' : `id: ${id}\n`;
  const eventLine = event === undefined ? '' : `event: ${event}\n`;
  // Between lines of JSON, a space means the same.
  return `${idLine}${eventLine}data: ${data.replaceAll('\n', ' ')}\n\n`;
}
