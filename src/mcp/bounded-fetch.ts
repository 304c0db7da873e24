import type { FetchLike } from '@modelcontextprotocol/client';
import { boundedEvents } from './bounded-events.js';
import type { BufferBudget } from './buffer-budget.js';
import { jsonExcess } from './json-limits.js';
import { largeMessage } from './message.js';
import { MAX_ERROR_BYTES, readAtMost } from './read-body.js';

/**
 * `fetch` whose bodies are bounded, by the bytes that come out of decompression: an event stream
 * has limits for each event, an error is cut, and anything else is one message, which is read
 * and checked before it is handed over. What exceeds a limit is refused by `budget`.
 */
export function boundedFetch(fetch: FetchLike, budget: BufferBudget): FetchLike {
  return async (url, init) => {
    const response = await fetch(url, init);
    const { body, ok, status, statusText, headers } = response;
    if (body === null) return response;
    const type = headers.get('content-type')?.toLowerCase() ?? '';
    const bounded = !ok
      ? await readAtMost(body, MAX_ERROR_BYTES)
      : type.startsWith('text/event-stream')
        ? boundedEvents(body, budget)
        : await readMessage(body, budget);
    return new Response(bounded, { status, statusText, headers });
  };
}

async function readMessage(
  body: ReadableStream<Uint8Array>,
  budget: BufferBudget,
): Promise<Uint8Array> {
  const { maxMessageBytes } = budget;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      bytes += chunk.byteLength;
      budget.hold(chunk.byteLength);
      if (bytes > maxMessageBytes) budget.fail(largeMessage(maxMessageBytes));
    }
  } finally {
    budget.release(bytes);
  }
  const whole = Buffer.concat(chunks);
  const excess = jsonExcess(whole);
  if (excess !== undefined) budget.fail(`a message with ${excess}`);
  return whole;
}
