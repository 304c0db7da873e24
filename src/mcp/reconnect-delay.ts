/** Milliseconds before a stream is opened again, at first and at most. */
const FIRST_MS = 1000;
const MOST_MS = 60_000;

/** How long to wait before a stream is opened again that the server ends. */
export interface ReconnectDelay {
  /** Milliseconds for the next time, at least `askedMs` up to the maximum; doubles. */
  next(askedMs: number): number;
  /** A message came: begins anew. */
  reset(): void;
}

/** Makes a delay that no server can shorten. */
export function createReconnectDelay(): ReconnectDelay {
  let least = FIRST_MS;
  return {
    next(askedMs) {
      const delay = Math.min(Math.max(askedMs, least), MOST_MS);
      least = Math.min(least * 2, MOST_MS);
      return delay;
    },
    reset() {
      least = FIRST_MS;
    },
  };
}
