import type { FetchLike } from '@modelcontextprotocol/client';

/** The server told more than is read of it. */
export class TooLargeError extends Error {
  override readonly name = 'TooLargeError';
}

/** Bytes that may still be read. */
export interface ReadLimit {
  /** Takes note of bytes that came. Throws TooLargeError, each time anew. */
  readonly take: (bytes: number) => void;
}

/** A limit that is exceeded, and tells `onExceeded`, when more than `limit` bytes were taken. */
export function createReadLimit(
  limit: number,
  onExceeded: (error: TooLargeError) => void,
): ReadLimit {
  let left = limit;
  return {
    take: (bytes) => {
      left -= bytes;
      if (left >= 0) return;
      const error = new TooLargeError(`more than ${String(limit)} bytes`);
      onExceeded(error);
      throw error;
    },
  };
}

/** `fetch` whose bodies count, as they come, and fail beyond the limit: an answer may have no end. */
export function limitedFetch(fetch: FetchLike, limit: ReadLimit): FetchLike {
  return async (url, init) => {
    const response = await fetch(url, init);
    if (response.body === null) return response;
    const counted = response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform: (chunk, controller) => {
          limit.take(chunk.byteLength);
          controller.enqueue(chunk);
        },
      }),
    );
    const { status, statusText, headers } = response;
    return new Response(counted, { status, statusText, headers });
  };
}
