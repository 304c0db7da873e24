import { hasSeerAmong, type StoredServer } from '../../domain/server.js';
import type { Subject } from '../../domain/view.js';

/**
 * The subjects whose private records a view has: those that somebody holds, and the most
 * recently used of the others.
 */
export class HeldSubjects {
  /** In the order of their last use. */
  private readonly warm = new Set<Subject>();
  private readonly holds = new Map<Subject, number>();
  private readonly joining = new Map<Subject, Promise<void>>();
  private readonly idleLimit: number;

  constructor(idleLimit: number) {
    this.idleLimit = idleLimit;
  }

  has(subject: Subject): boolean {
    return this.warm.has(subject);
  }

  /** Whether one of them sees a PRIVATE server. */
  hasSeerOf(server: StoredServer): boolean {
    return hasSeerAmong(server, this.warm);
  }

  /** Marks it as used; false if it is cold. */
  touch(subject: Subject): boolean {
    if (!this.warm.delete(subject)) return false;
    this.warm.add(subject);
    return true;
  }

  add(subjects: readonly Subject[]): void {
    for (const subject of subjects) this.warm.add(subject);
  }

  /** Loads those that are cold, each once however many ask; waits for those on their way. */
  async join(
    subjects: readonly Subject[],
    load: (cold: readonly Subject[]) => Promise<void>,
  ): Promise<void> {
    const cold = subjects.filter(
      (subject) => !this.warm.has(subject) && !this.joining.has(subject),
    );
    if (cold.length > 0) {
      const loading = load(cold).finally(() => {
        for (const subject of cold) this.joining.delete(subject);
      });
      for (const subject of cold) this.joining.set(subject, loading);
    }
    await Promise.all(subjects.flatMap((subject) => this.joining.get(subject) ?? []));
  }

  /** Keeps subjects from eviction until the answered function is called. */
  hold(subjects: readonly Subject[]): () => void {
    for (const subject of subjects) this.holds.set(subject, (this.holds.get(subject) ?? 0) + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      for (const subject of subjects) {
        const left = (this.holds.get(subject) ?? 1) - 1;
        if (left === 0) this.holds.delete(subject);
        else this.holds.set(subject, left);
      }
    };
  }

  /**
   * Drops the least recently used of those that nobody holds; whether any were dropped. Waits
   * until some eighth are too many, as it looks at all of them.
   */
  evict(): boolean {
    const excess = this.warm.size - this.holds.size - this.idleLimit;
    if (excess <= this.idleLimit / 8) return false;
    const idle = [...this.warm].filter((subject) => !this.holds.has(subject));
    for (const subject of idle.slice(0, excess)) this.warm.delete(subject);
    return true;
  }
}
