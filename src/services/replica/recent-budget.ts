/** Something that takes memory and can do without it. */
export interface BudgetHolder {
  /** Lets go of everything. Must not call back. */
  drop(): void;
}

/** What the recent commits of all tenants at a replica may take together. Bytes, about. */
const MAX_SIZE = 64 * 1024 * 1024;

/**
 * One budget of bytes for what a replica keeps of many tenants. Past it, those whose share has
 * not changed for the longest time lose it first; the one that grows has its own limit.
 */
export class RecentBudget {
  private readonly maxSize: number;
  private total = 0;
  /** What each takes; the one that changed last comes last. */
  private readonly sizes = new Map<BudgetHolder, number>();

  constructor(maxSize = MAX_SIZE) {
    this.maxSize = maxSize;
  }

  /** Bytes, about, that all of them take. */
  get size(): number {
    return this.total;
  }

  /** `holder` now takes so many bytes; nothing is remembered of one that takes none. */
  set(holder: BudgetHolder, size: number): void {
    this.forget(holder);
    if (size > 0) this.sizes.set(holder, size);
    this.total += size;
    for (const oldest of this.sizes.keys()) {
      if (this.total <= this.maxSize || oldest === holder) return;
      this.forget(oldest);
      oldest.drop();
    }
  }

  private forget(holder: BudgetHolder): void {
    this.total -= this.sizes.get(holder) ?? 0;
    this.sizes.delete(holder);
  }
}
