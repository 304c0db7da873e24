import type { LoadRecord } from '../../domain/load-record.js';
import type { PrivateSourcePolicy } from './private-source.js';

type Lifetime = Pick<PrivateSourcePolicy, 'ttlMs'>;

/** How old a load is: answered from; answered from and loaded anew behind it; not answered from. */
export type Freshness = 'fresh' | 'due' | 'expired';

/** A load is due for a refresh after this part of its time. */
const DUE_AFTER = 0.8;
/** So many ages are remembered; a load whose age was forgotten counts as after a restart. */
const MOST = 100_000;

/**
 * The ages of loads, on this replica's monotonic clock since it saw their commits (rule 25):
 * the clocks of others play no part. What was loaded before the replica knew of it becomes
 * due at a jittered time, so that a restart causes no storm.
 */
export class LoadClock {
  private readonly now: () => number;
  private readonly random: () => number;
  /** The oldest first. */
  private readonly seen = new Map<string, { readonly revision: number; readonly at: number }>();

  constructor(now: () => number, random: () => number) {
    this.now = now;
    this.random = random;
  }

  /** The commit of a load was just seen. */
  saw(key: string, { revision }: Pick<LoadRecord, 'revision'>): void {
    this.remember(key, { revision, at: this.now() });
  }

  freshness(key: string, load: LoadRecord, policy: Lifetime): Freshness {
    const age = this.ageMs(key, load, policy);
    if (age >= policy.ttlMs) return 'expired';
    return age >= policy.ttlMs * DUE_AFTER ? 'due' : 'fresh';
  }

  /** Milliseconds until it is due; 0 if it is. */
  dueInMs(key: string, load: LoadRecord, policy: Lifetime): number {
    return Math.max(0, policy.ttlMs * DUE_AFTER - this.ageMs(key, load, policy));
  }

  private ageMs(key: string, { revision }: LoadRecord, { ttlMs }: Lifetime): number {
    const known = this.seen.get(key);
    if (known?.revision === revision) return this.now() - known.at;
    const at = this.now() - this.random() * ttlMs * DUE_AFTER;
    this.remember(key, { revision, at });
    return this.now() - at;
  }

  private remember(key: string, value: { readonly revision: number; readonly at: number }): void {
    this.seen.delete(key);
    this.seen.set(key, value);
    const [oldest] = this.seen.keys();
    if (this.seen.size > MOST && oldest !== undefined) this.seen.delete(oldest);
  }
}
