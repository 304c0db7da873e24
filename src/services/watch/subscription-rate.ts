/** How fast the subscriptions of one stream may change. */
export interface RateLimits {
  /** Changes that may come at once. */
  readonly burst: number;
  readonly perSecond: number;
}

/** Limits the changes of one stream: a burst, which fills up again at a steady rate. */
export class SubscriptionRate {
  private readonly limits: RateLimits;
  private readonly now: () => number;
  private left: number;
  private filledAt: number;

  /** `now`: milliseconds, monotonic. */
  constructor(limits: RateLimits, now: () => number) {
    this.limits = limits;
    this.now = now;
    this.left = limits.burst;
    this.filledAt = now();
  }

  /** Takes one change and returns 0, or returns after how many milliseconds there will be one. */
  take(): number {
    const { burst, perSecond } = this.limits;
    const now = this.now();
    this.left = Math.min(burst, this.left + ((now - this.filledAt) / 1_000) * perSecond);
    this.filledAt = now;
    if (this.left < 1) return Math.ceil(((1 - this.left) / perSecond) * 1_000);
    this.left -= 1;
    return 0;
  }
}
