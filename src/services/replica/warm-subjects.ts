import { hasSeerAmong, type StoredServer } from '../../domain/server.js';
import type { Subject } from '../../domain/view.js';

/**
 * The subjects whose private records are here: those that somebody holds, and the most
 * recently used of the others.
 */
export class WarmSubjects {
  /** In the order of their last use. */
  private readonly warm = new Set<Subject>();

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

  /**
   * Drops the least recently used of those that are not held, beyond `idleLimit`; whether any
   * were dropped. Waits until some eighth are too many, as it looks at all of them.
   */
  evict(held: { readonly size: number; has(key: Subject): boolean }, idleLimit: number): boolean {
    const excess = this.warm.size - held.size - idleLimit;
    if (excess <= idleLimit / 8) return false;
    const idle = [...this.warm].filter((subject) => !held.has(subject));
    for (const subject of idle.slice(0, excess)) this.warm.delete(subject);
    return true;
  }
}
