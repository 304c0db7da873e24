import type { WatchLimits } from './watch-limits.js';

interface Taking {
  readonly since: number;
  bytes: number;
}

/**
 * How fast a reader takes what it missed: a snapshot or a replay. A reader that takes something
 * now and then would otherwise hold the memory of both for good.
 */
export class ReaderPace {
  /** Milliseconds, monotonic. */
  private readonly now: () => number;
  private taking: Taking | undefined;

  constructor(now: () => number) {
    this.now = now;
  }

  /** Begins to count: `before` is what the reader has taken already, and in how long. */
  begin(before: { readonly ms: number; readonly bytes: number } = { ms: 0, bytes: 0 }): Taking {
    this.taking = { since: this.now() - before.ms, bytes: before.bytes };
    return this.taking;
  }

  /** Counts no more, unless something else is being counted by now. */
  end(taking: Taking): void {
    if (this.taking === taking) this.taking = undefined;
  }

  isTooSlow({ stallMs, minBytesPerSecond }: WatchLimits): boolean {
    if (this.taking === undefined) return false;
    const ms = this.now() - this.taking.since;
    return ms >= stallMs && this.taking.bytes < (ms / 1_000) * minBytesPerSecond;
  }
}
