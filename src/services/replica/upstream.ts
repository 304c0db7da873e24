/** How sure a replica is of what it returns of a tenant. */
export interface UpstreamStatus {
  readonly state: 'following' | 'degraded';
  /** Milliseconds since the Catalog last confirmed the end of the tenant's log. */
  readonly ageMs: number;
}

export interface UpstreamLimits {
  /** Without confirmation for so long, it is degraded. Milliseconds, default 5,000. */
  readonly degradedAfterMs: number;
  /** Degraded for so long, streams are ended. Milliseconds, default 60,000. */
  readonly giveUpAfterMs: number;
}

export const UPSTREAM_DEFAULTS: UpstreamLimits = Object.freeze({
  degradedAfterMs: 5_000,
  giveUpAfterMs: 60_000,
});

/**
 * How long ago the Catalog confirmed to this replica where the log of one tenant ends. Each tenant
 * has its own: one that cannot be read says nothing of the others. Counts on a monotonic clock
 * that the caller gives, in milliseconds.
 */
export class Upstream {
  private readonly now: () => number;
  private readonly limits: UpstreamLimits;
  private confirmedAt: number;

  /** `since` is when the call began by which the tenant was opened. */
  constructor(now: () => number, limits: UpstreamLimits, since: number) {
    this.now = now;
    this.limits = limits;
    this.confirmedAt = since;
  }

  /** The Catalog confirmed, by a call that began at `since`, where the log ends. */
  confirm(since: number): void {
    this.confirmedAt = Math.max(this.confirmedAt, since);
  }

  status(): UpstreamStatus {
    const ageMs = this.now() - this.confirmedAt;
    return { state: ageMs > this.limits.degradedAfterMs ? 'degraded' : 'following', ageMs };
  }

  /** Whether streams are better ended than kept. */
  isLost(): boolean {
    return this.now() - this.confirmedAt > this.limits.giveUpAfterMs;
  }
}
