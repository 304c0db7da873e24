import { describe, expect, it } from 'vitest';
import { createTokenBucket } from '../../../src/domain/token-bucket.js';

describe('a token bucket', () => {
  it('allows its burst at once, and after that so many a second', () => {
    const bucket = createTokenBucket({ burst: 3, perSecond: 2 });
    const passed = (now: number, times: number): number =>
      Array.from({ length: times }, () => bucket.take(now) >= 0).filter(Boolean).length;
    expect(passed(1_000, 10)).toBe(3);
    expect(passed(1_000, 1)).toBe(0);
    expect(passed(20_000, 10)).toBe(3);
  });
});
