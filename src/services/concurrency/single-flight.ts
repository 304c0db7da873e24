/** Work under way for a key. */
export interface Flight<T, S> {
  /** What the work shows of itself while it runs. */
  readonly state: S;
  /** Everybody who waits gets the same result, or the same failure. */
  readonly done: Promise<T>;
}

/** Work by key: whoever asks for a key whose work is under way joins it. */
export class SingleFlight<T, S> {
  private readonly current = new Map<string, Flight<T, S>>();
  /** Also what was left alone and is ending. */
  private readonly all = new Set<Flight<T, S>>();

  /** What is under way for the key. */
  get(key: string): Flight<T, S> | undefined {
    return this.current.get(key);
  }

  /** Everything that has not ended. */
  flights(): Iterable<Flight<T, S>> {
    return this.all;
  }

  /** Joins what is under way for the key, or begins `work`, which nobody has to wait for. */
  join(key: string, state: S, work: () => Promise<T>): Promise<T> {
    const known = this.current.get(key);
    if (known !== undefined) return known.done;
    // Not in the turn of whoever asks: that may be a commit which is not visible yet.
    const done = Promise.resolve()
      .then(work)
      .finally(() => {
        this.all.delete(flight);
        if (this.current.get(key) === flight) this.current.delete(key);
      });
    const flight: Flight<T, S> = { state, done };
    done.catch(() => undefined);
    this.current.set(key, flight);
    this.all.add(flight);
    return done;
  }

  /** Nobody joins what is under way for the key any more; it goes on for those who have. */
  leave(key: string): void {
    this.current.delete(key);
  }

  /** Waits until all that is under way has ended, however it ends. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.all].map(({ done }) => done));
  }
}
