/** How often something may happen: `burst` times at once, and `perSecond` in the long run. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** What a rate still allows. `now` is monotonic milliseconds. */
export interface TokenBucket {
  /** How many tokens there are: at most `burst`, negative if more was taken than there was. */
  level(now: number): number;
  /** Takes tokens, also those that are not there yet. Returns the level afterwards. */
  take(now: number, tokens?: number): number;
}

/** Creates a full bucket. */
export function createTokenBucket({ burst, perSecond }: Rate): TokenBucket {
  let tokensLeft = burst;
  let filledAt = 0;
  const level = (now: number): number => {
    tokensLeft = Math.min(burst, tokensLeft + ((now - filledAt) * perSecond) / 1_000);
    filledAt = now;
    return tokensLeft;
  };
  return {
    level,
    take: (now, tokens = 1) => (tokensLeft = level(now) - tokens),
  };
}
