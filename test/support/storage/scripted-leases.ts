import { SwitchboardError } from '../../../src/domain/errors.js';
import { openMemoryLeases } from '../../../src/storage/leases/memory/memory-leases.js';
import type { Lease, LeaseOptions, Leases } from '../../../src/storage/leases.js';

interface Holder {
  readonly lost: AbortController;
  /** Lets the next one have the lease. */
  readonly free: () => void;
}

/** Leases that are lost, stolen or not to be had when a test says so. */
export class ScriptedLeases implements Leases {
  /** Called when a lease is held, before its body runs. */
  onHeld: ((key: string) => void) | undefined;
  private readonly inner: Leases;
  private readonly holders = new Map<string, Holder>();
  private readonly thieves = new Map<string, () => void>();
  private cut = new AbortController();
  private isClosed = false;

  private constructor(inner: Leases) {
    this.inner = inner;
  }

  static async open(): Promise<ScriptedLeases> {
    return new ScriptedLeases(await openMemoryLeases());
  }

  /** The holder loses the lease, and the next one gets it, while the body goes on. */
  lose(key: string): void {
    const holder = this.holderOf(key);
    holder.lost.abort();
    holder.free();
  }

  /** The holder loses the lease to somebody who keeps it until `giveBack`. */
  steal(key: string): void {
    const holder = this.holderOf(key);
    this.thieves.set(key, holder.free);
    holder.lost.abort();
  }

  giveBack(key: string): void {
    this.thieves.get(key)?.();
    this.thieves.delete(key);
  }

  /** From now on leases cannot be had, also by those who wait. */
  takeDown(): void {
    this.cut.abort();
  }

  bringUp(): void {
    this.cut = new AbortController();
  }

  async withLease<T>(
    key: string,
    options: LeaseOptions,
    body: (lease: Lease) => Promise<T>,
  ): Promise<T> {
    const { cut } = this;
    const { signal = new AbortController().signal } = options;
    if (cut.signal.aborted && !this.isClosed) return runWithout(key, signal, body);
    const lost = new AbortController();
    const free = await this.acquire(key, {
      ...options,
      signal: AbortSignal.any([signal, cut.signal]),
    }).catch((error: unknown) => {
      if (!cut.signal.aborted || signal.aborted || this.isClosed) throw error;
      return undefined;
    });
    if (free === undefined) return runWithout(key, signal, body);
    const holder = { lost, free };
    this.holders.set(key, holder);
    this.onHeld?.(key);
    try {
      return await body({ key, isHeld: true, signal: lost.signal });
    } finally {
      if (this.holders.get(key) === holder) this.holders.delete(key);
      if (this.thieves.get(key) !== free) free();
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const { lost } of this.holders.values()) lost.abort();
    await this.inner.close();
  }

  /** Resolves when the lease is held, with what frees it. */
  private acquire(key: string, options: LeaseOptions): Promise<() => void> {
    return new Promise((resolve, reject) => {
      this.inner
        .withLease(key, options, () => new Promise<void>((free) => resolve(free)))
        .catch(reject);
    });
  }

  private holderOf(key: string): Holder {
    const holder = this.holders.get(key);
    if (holder === undefined) throw new Error(`nobody holds ${key}`);
    return holder;
  }
}

async function runWithout<T>(
  key: string,
  caller: AbortSignal,
  body: (lease: Lease) => Promise<T>,
): Promise<T> {
  if (caller.aborted) throw new SwitchboardError('CANCELLED');
  // Not in the turn of the caller, like any other body.
  await Promise.resolve();
  const cause = new Error('the leases are down');
  return body({ key, isHeld: false, cause, signal: new AbortController().signal });
}
