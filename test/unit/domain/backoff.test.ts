import { describe, expect, it } from 'vitest';
import { backoffMs } from '../../../src/domain/backoff.js';

const POLICY = { firstMs: 1_000, maxMs: 60_000, jitter: 0.2 };

describe('backoffMs', () => {
  it('doubles from the first wait up to the longest, however many failures there were', () => {
    const waits = [1, 2, 3, 6, 7, 8, 10_000].map((failures) => backoffMs(POLICY, failures, 1));
    expect(waits).toEqual([1_000, 2_000, 4_000, 32_000, 60_000, 60_000, 60_000]);
  });

  it('draws the random part of each wait', () => {
    expect(backoffMs(POLICY, 2, 0)).toBe(1_600);
    expect(backoffMs(POLICY, 2, 0.5)).toBe(1_800);
    expect(backoffMs({ ...POLICY, jitter: 0 }, 2, 0)).toBe(2_000);
  });
});
