/** How long to wait after failures in a row. */
export interface BackoffPolicy {
  /** After the first failure. Milliseconds. */
  readonly firstMs: number;
  /** At most. Milliseconds. */
  readonly maxMs: number;
  /** The part of each wait that is random, from 0 to 1. */
  readonly jitter: number;
}

/**
 * Milliseconds to wait after so many failures in a row (1 or more): doubled each time. A
 * part is random (`random` is from 0 to 1), so that those who failed together do not come
 * back together.
 */
export function backoffMs(
  { firstMs, maxMs, jitter }: BackoffPolicy,
  failures: number,
  random: number,
): number {
  const limitMs = Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return limitMs * (1 - jitter + jitter * random);
}
