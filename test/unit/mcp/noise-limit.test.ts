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
  it('lets through 5,000 lines at once and then 500 a second', () => {
    const speaker = openSpeaker(0);
    const first = speaker.speak(1000);
    expect(first).toBeGreaterThanOrEqual(5500);
    expect(first).toBeLessThan(5550);
    expect(speaker.speak(2000)).toBeLessThanOrEqual(520);
  });

  it('counts bytes as well', () => {
    // 20 MiB at once, and 2 MiB a second.
    expect(openSpeaker(1024 * 1024).speak(1000)).toBeLessThanOrEqual(22);
  });

  it('is too noisy after 3 s of holding back, unless something useful or a pause comes between', () => {
    const { limit, quiet, speak } = openSpeaker(0);
    speak(2900);
    expect(limit.isTooNoisy).toBe(false);
    limit.forgive();
    speak(5800);
    expect(limit.isTooNoisy).toBe(false);
    quiet(11_000);
    speak(19_700);
    expect(limit.isTooNoisy).toBe(false);
    speak(20_200);
    expect(limit.isTooNoisy).toBe(true);
  });
});
