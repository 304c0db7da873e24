import { SwitchboardError } from '../../domain/errors.js';
import { changedId } from '../../domain/commit.js';
import { isShared, sameAudience, seersAmong, type StoredServer } from '../../domain/server.js';
import type { Subject, View } from '../../domain/view.js';
import type { Loss, Step, TenantState } from '../replica/tenant-state.js';
import type { UpstreamStatus } from '../replica/upstream.js';
import { createMemo } from './audience.js';
import type { SubjectChange } from './subscribed-views.js';
import type { Watcher } from './watcher.js';

const RETRY_SOON = { retryDelayMs: 100 };
const REPLACED = 'the log was replaced, and private servers have to be loaded again; reconnect';

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
  private readonly isLoaded: (view: View) => boolean;
  private isClosed = false;

  /** `isLoaded` tells whether all that a view shows is in the log, see `PrivateLoads.isReady`. */
  constructor(log: Pick<TenantState, 'onStep' | 'onReplaced'>, isLoaded: (view: View) => boolean) {
    this.isLoaded = isLoaded;
    this.stops = [
      log.onStep((step) => {
        this.onStep(step);
      }),
      log.onReplaced((loss) => {
        this.restart(loss);
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
      watcher.end(new SwitchboardError('CATALOG_UNAVAILABLE', 'try again', RETRY_SOON));
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

  /**
   * Resets the streams with another history. Of one whose users have to be loaded in it first
   * nothing is known yet: it ends, and waits for the loads when its client comes back (W8).
   */
  private restart(loss: Loss): void {
    for (const watcher of [...this.watchers]) {
      if (every(watcher.audience.views(), this.isLoaded)) watcher.restart(loss);
      else watcher.end(new SwitchboardError('CATALOG_UNAVAILABLE', REPLACED, RETRY_SOON));
    }
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

function every<T>(items: Iterable<T>, fits: (item: T) => boolean): boolean {
  for (const item of items) if (!fits(item)) return false;
  return true;
}

/** A stream that cannot be told ends; neither the log nor another stream stops for it. */
function endFailed(watcher: Watcher, cause: unknown): void {
  watcher.end(new SwitchboardError('INTERNAL', undefined, { cause }));
}
