import { vi } from 'vitest';

/**
 * Repeats `check` until it does not throw, and then answers what it does. It waits long, for
 * machines that are busy; a check that never passes fails with what it threw last.
 */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: 20_000, interval: 20 });
}
