import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Watchdog } from '../../../src/client/reflector/watchdog.js';

describe('the watchdog of a stream', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  function watch(): { readonly dog: Watchdog; readonly barks: () => number } {
    const onSilence = vi.fn();
    return { dog: new Watchdog(onSilence), barks: () => onSilence.mock.calls.length };
  }

  it('tells after two heartbeats and a second of silence, once [W11]', () => {
    const { dog, barks } = watch();
    dog.start(500);
    vi.advanceTimersByTime(1_999);
    expect(barks()).toBe(0);
    vi.advanceTimersByTime(1);
    expect(barks()).toBe(1);
    vi.advanceTimersByTime(100_000);
    expect(barks()).toBe(1);
  });

  it('counts from the last message [W10]', () => {
    const { dog, barks } = watch();
    dog.start(500);
    for (let messages = 0; messages < 20; messages += 1) {
      vi.advanceTimersByTime(1_500);
      dog.seen();
    }
    vi.advanceTimersByTime(1_999);
    expect(barks()).toBe(0);
    vi.advanceTimersByTime(1);
    expect(barks()).toBe(1);
  });

  it('assumes ten seconds until it is told, and keeps what it was told', () => {
    const { dog, barks } = watch();
    dog.start();
    vi.advanceTimersByTime(20_999);
    expect(barks()).toBe(0);
    dog.start(1_000);
    dog.start();
    vi.advanceTimersByTime(3_000);
    expect(barks()).toBe(1);
  });

  it('is quiet once it is stopped', () => {
    const { dog, barks } = watch();
    dog.start(100);
    dog.stop();
    vi.advanceTimersByTime(100_000);
    expect(barks()).toBe(0);
  });
});
