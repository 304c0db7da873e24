import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClientError } from '../../../../src/client/client-error.js';
import { Backoff } from '../../../../src/client/pool/backoff.js';

describe('Backoff', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const failure = (): ClientError => new ClientError('CONNECT_FAILED', 'no');

  it('refuses with the last error until its time is over, and doubles the time', () => {
    const backoff = new Backoff({ initialMs: 100, maxMs: 1000 });
    expect(backoff.refusal('h')).toBeUndefined();
    const waits: number[] = [];
    for (let i = 0; i < 8; i += 1) {
      const error = backoff.failed(failure(), 'h') as ClientError;
      waits.push(error.retryAfterMs ?? 0);
      expect(backoff.refusal('h')).toMatchObject({ reason: 'CONNECT_FAILED', message: 'no' });
      vi.advanceTimersByTime(error.retryAfterMs ?? 0);
      expect(backoff.refusal('h')).toBeUndefined();
    }
    waits.forEach((wait, i) => {
      const limit = Math.min(1000, 100 * 2 ** i);
      expect(wait).toBeGreaterThanOrEqual(limit / 2);
      expect(wait).toBeLessThanOrEqual(limit);
    });
  });

  it('forgets with another config, and with a connect that lasted', () => {
    const backoff = new Backoff({ initialMs: 100, maxMs: 100_000 });
    for (let i = 0; i < 10; i += 1) backoff.failed(failure(), 'h');
    expect(backoff.refusal('other')).toBeUndefined();
    const again = backoff.failed(failure(), 'other') as ClientError;
    expect(again.retryAfterMs).toBeLessThanOrEqual(100);
    for (let i = 0; i < 10; i += 1) backoff.failed(failure(), 'other');
    backoff.succeeded();
    expect(backoff.refusal('other')).toBeUndefined();
    const early = backoff.failed(failure(), 'other') as ClientError;
    expect(early.retryAfterMs).toBeGreaterThan(100);
    backoff.succeeded();
    vi.advanceTimersByTime(1500);
    const late = backoff.failed(failure(), 'other') as ClientError;
    expect(late.retryAfterMs).toBeLessThanOrEqual(100);
  });

  it('counts only what says something about the server', () => {
    const backoff = new Backoff({});
    for (const reason of [
      'VALUE_MISSING',
      'HOOK_FAILED',
      'CANCELLED',
      'TOO_MANY_PROCESSES',
    ] as const) {
      const error = new ClientError(reason);
      expect(backoff.failed(error, 'h')).toBe(error);
      expect(backoff.refusal('h')).toBeUndefined();
    }
    const foreign = new Error('foreign');
    expect(backoff.failed(foreign, 'h')).toBe(foreign);
    expect(backoff.isOver()).toBe(true);
    backoff.failed(failure(), 'h');
    expect(backoff.isOver()).toBe(false);
    vi.advanceTimersByTime(70_000);
    expect(backoff.isOver()).toBe(true);
  });
});
