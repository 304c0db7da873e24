import { vi } from 'vitest';

/** How long a check may fail before a test is taken to hang. Milliseconds. */
export const PATIENCE_MS = 180_000;

/**
 * Repeats `check` until it does not throw, then returns what it returns. A busy machine may
 * take its time: the limit only ends a wait for what never happens, with what was thrown last.
 */
export function eventually<T>(
  check: () => T | Promise<T>,
  { intervalMs = 20 }: { readonly intervalMs?: number } = {},
): Promise<T> {
  // eslint-disable-next-line no-restricted-syntax -- the one place that sets the limit
  return vi.waitFor(check, { timeout: PATIENCE_MS, interval: intervalMs });
}
