import type { LoadRecord } from '../../domain/load-record.js';
import type { PrivateSourcePolicy } from './private-source.js';

type Lifetime = Pick<PrivateSourcePolicy, 'ttlMs'>;

/** How old a load is: a `due` one is reloaded in the background, an `expired` one is waited for. */
export type Freshness = 'fresh' | 'due' | 'expired';

interface Seen {
  readonly revision: number;
  /** On the monotonic clock. */
  readonly at: number;
  /** The part of the load's time after which this replica refreshes it. */
  readonly dueAfter: number;
}

/** The replica that published a load refreshes it after this part of its time. */
const DUE_AFTER = 0.8;
/** The others do up to so much later: mostly they find that it was done. */
const DUE_JITTER = 0.15;
/** Of more loads than this the oldest ages are forgotten; those count as after a restart. */
const MAX_REMEMBERED = 100_000;

/**
 * The ages of loads, on this replica's monotonic clock since it saw their commits (rule 25):
 * the clocks of others play no part. What was loaded before the replica knew of it becomes
 * due at a jittered time, so that a restart causes no storm.
 */
export class LoadClock {
  private readonly now: () => number;
  private readonly random: () => number;
  /** The oldest first. */
  private readonly seen = new Map<string, Seen>();

  constructor(now: () => number, random: () => number) {
    this.now = now;
    this.random = random;
  }

  /** The commit of a load was just seen, which is this replica's own or another's. */
  saw(key: string, { revision }: Pick<LoadRecord, 'revision'>, isOwn: boolean): void {
    const dueAfter = isOwn ? DUE_AFTER : DUE_AFTER + DUE_JITTER * this.random();
    this.remember(key, { revision, at: this.now(), dueAfter });
  }

  freshness(key: string, load: LoadRecord, { ttlMs }: Lifetime): Freshness {
    const { at, dueAfter } = this.seenOf(key, load, ttlMs);
    const ageMs = this.now() - at;
    if (ageMs >= ttlMs) return 'expired';
    return ageMs >= ttlMs * dueAfter ? 'due' : 'fresh';
  }

  /** Milliseconds until it is due; 0 if it is. */
  dueInMs(key: string, load: LoadRecord, { ttlMs }: Lifetime): number {
    const { at, dueAfter } = this.seenOf(key, load, ttlMs);
    return Math.max(0, at + ttlMs * dueAfter - this.now());
  }

  private seenOf(key: string, { revision }: LoadRecord, ttlMs: number): Seen {
    const known = this.seen.get(key);
    if (known?.revision === revision) return known;
    const at = this.now() - this.random() * ttlMs * DUE_AFTER;
    return this.remember(key, { revision, at, dueAfter: DUE_AFTER });
  }

  private remember(key: string, seen: Seen): Seen {
    this.seen.delete(key);
    this.seen.set(key, seen);
    const [oldest] = this.seen.keys();
    if (this.seen.size > MAX_REMEMBERED && oldest !== undefined) this.seen.delete(oldest);
    return seen;
  }
}
