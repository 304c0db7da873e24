import { afterEach, beforeEach, vi } from 'vitest';

/**
 * In every test of the file intervals stand still until `passTime` moves them: what a replica
 * does again and again in the background, it does when the test says so.
 */
export function useFakeIntervals(): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
}
