import { setMaxListeners } from 'node:events';
import type { FetchLike } from '@modelcontextprotocol/client';

/**
 * A fetch that gives every request a signal of its own, which follows the caller's until the
 * answer was read, cancelled or failed. The fetch below listens on the signal that it gets
 * until the request is collected as garbage: on one that lives as long as a connection, the
 * listeners of all its calls would pile up.
 */
export function fetchWithOwnSignal(fetch: FetchLike): FetchLike {
  return async (url, init = {}) => {
    const { signal } = init;
    if (!signal) return fetch(url, init);
    signal.throwIfAborted();
    const own = new AbortController();
    const abort = (): void => own.abort(signal.reason);
    const letGo = (): void => signal.removeEventListener('abort', abort);
    // As many calls at once as there are; each lets go when it ends.
    setMaxListeners(0, signal);
    signal.addEventListener('abort', abort, { once: true });
    try {
      const response = await fetch(url, { ...init, signal: own.signal });
      if (response.body !== null) return withBody(response, untilEnd(response.body, letGo));
      letGo();
      return response;
    } catch (error) {
      letGo();
      throw error;
    }
  };
}

function withBody(
  { status, statusText, headers }: Response,
  body: ReadableStream<Uint8Array>,
): Response {
  return new Response(body, { status, statusText, headers });
}

/** The same bytes; `onEnd` is called when there are no more, however that comes about. */
function untilEnd(body: ReadableStream<Uint8Array>, onEnd: () => void): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) {
            controller.enqueue(value);
            return;
          }
          controller.close();
        } catch (error) {
          controller.error(error);
        }
        onEnd();
      },
      async cancel(reason) {
        onEnd();
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
