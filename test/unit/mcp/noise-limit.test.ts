import { describe, expect, it } from 'vitest';
import { createNoiseLimit } from '../../../src/mcp/noise-limit.js';

/** Something that says `bytes` again and again, and waits as long as it is held back. */
function openSpeaker(bytes: number) {
  let now = 0;
  const limit = createNoiseLimit(() => now);
  return {
    limit,
    quiet: (ms: number) => void (now += ms),
    /** How often it could speak until `untilMs`. */
    speak(untilMs: number): number {
      let times = 0;
      for (; now < untilMs; times += 1) now += limit.take(bytes);
      return times;
    },
  };
}

describe('createNoiseLimit', () => {
  it('lets through 10,000 lines at once and then 2,000 a second', () => {
    const speaker = openSpeaker(0);
    const first = speaker.speak(1000);
    expect(first).toBeGreaterThanOrEqual(12_000);
    expect(first).toBeLessThan(12_100);
    expect(speaker.speak(2000)).toBeLessThanOrEqual(2050);
  });

  it('counts bytes as well', () => {
    // 10 MiB and 2 MiB more.
    expect(openSpeaker(1024 * 1024).speak(1000)).toBeLessThanOrEqual(12);
  });

  it('is too noisy after 3 s of holding back, unless something useful or a pause comes between', () => {
    const { limit, quiet, speak } = openSpeaker(0);
    speak(2900);
    expect(limit.isTooNoisy).toBe(false);
    limit.forgive();
    speak(5800);
    expect(limit.isTooNoisy).toBe(false);
    quiet(6000);
    speak(14_600);
    expect(limit.isTooNoisy).toBe(false);
    speak(15_000);
    expect(limit.isTooNoisy).toBe(true);
  });
});
