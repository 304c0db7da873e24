/** Those who are told of something, in the order of their coming; one that throws disturbs no other. */
export class Listeners<T> {
  private readonly listeners = new Set<(value: T) => void>();
  private readonly report: (error: unknown) => void;

  /** `report` is told what a listener throws. */
  constructor(report: (error: unknown) => void) {
    this.report = report;
  }

  /** Tells `listener` too, until the returned function is called. */
  add(listener: (value: T) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  tell(value: T): void {
    for (const listener of this.listeners) {
      try {
        listener(value);
      } catch (error) {
        this.report(error);
      }
    }
  }
}
