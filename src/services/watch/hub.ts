import { SwitchboardError } from '../../domain/errors.js';
import { changedId } from '../../domain/commit.js';
import { isShared, sameAudience, seersAmong, type StoredServer } from '../../domain/server.js';
import type { Subject } from '../../domain/view.js';
import type { Step, TenantState } from '../replica/tenant-state.js';
import type { UpstreamStatus } from '../replica/upstream.js';
import { createMemo } from './audience.js';
import type { SubjectChange } from './node-audience.js';
import type { Watcher } from './watcher.js';

/**
 * Tells each commit of a tenant to the streams that may see it: all of them if it touches
 * a shared server, else those of the subjects concerned. What many streams share is
 * encoded once.
 */
export class WatchHub {
  private readonly watchers = new Set<Watcher>();
  /** Those of the watchers that are told every commit. */
  private readonly inventories = new Set<Watcher>();
  /** Most subjects have one stream: a set is made for the second. */
  private readonly bySubject = new Map<Subject, Watcher | Set<Watcher>>();
  private readonly stops: readonly (() => void)[];
  private isClosed = false;

  constructor(log: Pick<TenantState, 'onStep' | 'onReplaced'>) {
    this.stops = [
      log.onStep((step) => {
        this.onStep(step);
      }),
      log.onReplaced((loss) => {
        for (const watcher of [...this.watchers]) watcher.restart(loss);
      }),
    ];
  }

  get size(): number {
    return this.watchers.size;
  }

  /**
   * Adds a stream. Ends it if the tenant was closed meanwhile: nobody would tell it anything.
   */
  register(watcher: Watcher): void {
    if (this.isClosed) {
      const retryDelayMs = 100;
      watcher.end(new SwitchboardError('CATALOG_UNAVAILABLE', 'try again', { retryDelayMs }));
      return;
    }
    this.watchers.add(watcher);
    if (watcher.audience.seesInventory) this.inventories.add(watcher);
    for (const subject of watcher.audience.subjects()) this.index(subject, watcher);
  }

  /** The subjects of a stream have changed by so much. Says nothing of a stream that is over. */
  update(watcher: Watcher, { added, removed }: SubjectChange): void {
    if (!this.watchers.has(watcher)) return;
    for (const subject of added) this.index(subject, watcher);
    for (const subject of removed) this.unindex(subject, watcher);
  }

  remove(watcher: Watcher): void {
    if (!this.watchers.delete(watcher)) return;
    this.inventories.delete(watcher);
    for (const subject of watcher.audience.subjects()) this.unindex(subject, watcher);
  }

  /** Sends a heartbeat on every stream. */
  beat(log: TenantState, upstream: UpstreamStatus): void {
    const memo = createMemo();
    const facts = { newest: log.position, upstream };
    for (const watcher of this.watchers) {
      try {
        watcher.beat(facts, memo);
      } catch (cause) {
        endFailed(watcher, cause);
      }
    }
  }

  /** Ends the streams whose readers take nothing. */
  checkStalled(): void {
    for (const watcher of [...this.watchers]) watcher.checkStalled();
  }

  /** Ends all streams, each after what was sent to it, with the error made for it. */
  endAll(error: () => SwitchboardError): void {
    for (const watcher of [...this.watchers]) watcher.end(error());
  }

  close(): void {
    this.isClosed = true;
    for (const stop of this.stops) stop();
  }

  private onStep(step: Step): void {
    try {
      this.tellConcerned(step);
    } catch (cause) {
      // Nobody knows who was to be told: a stream that went on would miss a commit (W3).
      this.endAll(() => new SwitchboardError('INTERNAL', undefined, { cause }));
      throw cause;
    }
  }

  private tellConcerned(step: Step): void {
    const memo = createMemo();
    for (const watcher of this.concerned(step)) {
      try {
        watcher.onStep(step, memo);
      } catch (cause) {
        endFailed(watcher, cause);
      }
    }
  }

  /** Streams that end while they are told leave the set, and nothing else changes it. */
  private concerned(step: Step): Iterable<Watcher> {
    const found = new Set<Watcher>();
    for (const change of step.commit.changes) {
      const id = changedId(change);
      const [before, after] = [step.before.byId(id), step.after.byId(id)];
      const states = [before, after];
      if (states.some((server) => server !== undefined && isShared(server.record)))
        return this.watchers;
      this.collect(before, found);
      if (before === undefined || after === undefined || !sameAudience(before, after))
        this.collect(after, found);
    }
    for (const watcher of this.inventories) found.add(watcher);
    return found;
  }

  private collect(server: StoredServer | undefined, found: Set<Watcher>): void {
    if (server === undefined) return;
    for (const subject of seersAmong(server, this.bySubject)) {
      const known = this.bySubject.get(subject);
      if (known instanceof Set) for (const watcher of known) found.add(watcher);
      else if (known !== undefined) found.add(known);
    }
  }

  private index(subject: Subject, watcher: Watcher): void {
    const known = this.bySubject.get(subject);
    if (known instanceof Set) known.add(watcher);
    else this.bySubject.set(subject, known === undefined ? watcher : new Set([known, watcher]));
  }

  private unindex(subject: Subject, watcher: Watcher): void {
    const known = this.bySubject.get(subject);
    if (known instanceof Set) known.delete(watcher);
    if (known === watcher || (known instanceof Set && known.size === 0))
      this.bySubject.delete(subject);
  }
}

/** A stream that cannot be told ends; neither the log nor another stream stops for it. */
function endFailed(watcher: Watcher, cause: unknown): void {
  watcher.end(new SwitchboardError('INTERNAL', undefined, { cause }));
}
