/** How often something may happen: `burst` times at once, and `perSecond` in the long run. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** Takes note of one more. Returns whether the rate allows it; `now` is monotonic milliseconds. */
export type RateLimit = (now: number) => boolean;

/** Makes a limit that nothing was counted towards yet. */
export function createRateLimit({ burst, perSecond }: Rate): RateLimit {
  let left = burst;
  let seenAt = 0;
  return (now) => {
    left = Math.min(burst, left + ((now - seenAt) * perSecond) / 1000) - 1;
    seenAt = now;
    return left >= 0;
  };
}
