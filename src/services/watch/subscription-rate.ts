import { createTokenBucket, type Rate } from '../../domain/token-bucket.js';

/**
 * Limits how fast the subscriptions of one stream change. The function takes one change and
 * returns 0, or returns after how many milliseconds there will be one. `now`: milliseconds,
 * monotonic.
 */
export function createSubscriptionRate(rate: Rate, now: () => number): () => number {
  const bucket = createTokenBucket(rate);
  return () => {
    const at = now();
    const level = bucket.level(at);
    if (level < 1) return Math.ceil(((1 - level) / rate.perSecond) * 1_000);
    bucket.take(at);
    return 0;
  };
}
