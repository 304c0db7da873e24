import { describe, expect, it } from 'vitest';
import { Retry } from '../../../src/client/reflector/retry.js';

const OPTIONS = { firstMs: 100, maxMs: 1_000, healthyMs: 5_000 };

/** Between half of `bound` and `bound`. */
function expectWithin(delayMs: number, bound: number): void {
  expect(delayMs).toBeGreaterThanOrEqual(bound / 2);
  expect(delayMs).toBeLessThanOrEqual(bound);
}

describe('delays between tries', () => {
  it('double up to the bound', () => {
    const retry = new Retry(OPTIONS);
    for (const bound of [100, 200, 400, 800, 1_000, 1_000]) expectWithin(retry.nextMs(), bound);
  });

  it('stay at the bound however often it is tried', () => {
    const retry = new Retry(OPTIONS);
    for (let tries = 0; tries < 2_000; tries += 1) retry.nextMs();
    expectWithin(retry.nextMs(), 1_000);
  });

  it('begin anew only after a stream that held', () => {
    const retry = new Retry(OPTIONS);
    for (let tries = 0; tries < 10; tries += 1) retry.nextMs();
    retry.ended(4_999);
    expectWithin(retry.nextMs(), 1_000);
    retry.ended(5_000);
    expectWithin(retry.nextMs(), 100);
  });

  it('come on top of what the server asks for, so that not all come at once', () => {
    const delays = Array.from({ length: 50 }, () => new Retry(OPTIONS).nextMs(2_000));
    for (const delay of delays) expectWithin(delay - 2_000, 100);
    expect(new Set(delays).size).toBeGreaterThan(1);
  });
});
