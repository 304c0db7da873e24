/** How many hold each of some keys. */
export class HoldCounts<K> {
  private readonly counts = new Map<K, number>();

  /** Holds the keys until the returned function is called; calling it twice is fine. */
  hold(keys: readonly K[]): () => void {
    for (const key of keys) this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      for (const key of keys) {
        const left = (this.counts.get(key) ?? 1) - 1;
        if (left === 0) this.counts.delete(key);
        else this.counts.set(key, left);
      }
    };
  }

  has(key: K): boolean {
    return this.counts.has(key);
  }

  get size(): number {
    return this.counts.size;
  }

  keys(): readonly K[] {
    return [...this.counts.keys()];
  }
}
