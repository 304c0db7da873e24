/** Those who wait until a view has reached a revision. */
export class RevisionWaiters {
  private readonly waiters = new Set<() => void>();

  /** Resolves when `revision()` is at `wanted` or beyond; rejects with the signal's reason. */
  async reached(wanted: number, revision: () => number, signal: AbortSignal): Promise<void> {
    while (revision() < wanted) {
      signal.throwIfAborted();
      await new Promise<void>((resolve, reject) => {
        const done = (): void => {
          signal.removeEventListener('abort', abort);
          this.waiters.delete(done);
          resolve();
        };
        const abort = (): void => {
          this.waiters.delete(done);
          reject(signal.reason as Error);
        };
        this.waiters.add(done);
        signal.addEventListener('abort', abort, { once: true });
      });
    }
  }

  /** Lets all of them look again. */
  wake(): void {
    for (const wake of [...this.waiters]) wake();
  }
}
