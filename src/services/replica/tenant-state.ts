import type { Position, StoredCommit } from '../../domain/commit.js';
import { SwitchboardError } from '../../domain/errors.js';
import type { LoadRecord } from '../../domain/load-record.js';
import type { StateIndex } from '../../domain/resolve.js';
import type { StoredServer } from '../../domain/server.js';
import type { SourceRecord } from '../../domain/source-record.js';
import { userSubject, type Subject } from '../../domain/view.js';
import type { CallOptions } from '../../storage/call-options.js';
import type { Catalog } from '../../storage/catalog.js';
import { withDeadline } from '../concurrency/deadline.js';
import { createRounds, type Rounds } from '../concurrency/rounds.js';
import { untilAborted } from '../concurrency/until-aborted.js';
import { readOn, type Loss } from './follow.js';
import type { FrozenState } from './held-records.js';
import type { History, Step } from './history.js';
import { Holds } from './holds.js';
import { Joins } from './joins.js';
import { Listeners } from './listeners.js';
import { openHistory, type OpeningSource } from './open-history.js';
import { RecentBudget } from './recent-budget.js';
import type { RecentCommits } from './recent-commits.js';
import { RevisionWaiters } from './revision-waiters.js';
import { READ_MS, TENANT_LIMITS, type TenantLimits } from './tenant-limits.js';

export type { Loss } from './follow.js';
export type { Step } from './history.js';

export interface TenantStateOptions extends Partial<TenantLimits> {
  /** Told what a listener throws. */
  readonly report?: (error: unknown) => void;
  /** What the recent commits of all tenants share. Default: one for this tenant alone. */
  readonly budget?: RecentBudget;
}

type Release = () => void;

/**
 * What this replica holds of a tenant: the shared records, and the private ones of the subjects
 * in use with what was loaded for them, and the private source, at one revision of one epoch. It moves only by whole
 * commits in their order (protocol.md rule 9), and what it returns in one turn of the event loop
 * is of one revision. A subject is cold until `hold` has brought its records in (rule 8). If the
 * log is no longer the one that it was made from, it is made anew from the log as it is.
 */
export class TenantState implements StateIndex {
  readonly tenant: string;
  private readonly source: OpeningSource;
  private readonly idleSubjects: number;
  private readonly steps: Listeners<Step>;
  private readonly replacements: Listeners<Loss>;
  private readonly waiters = new RevisionWaiters();
  private readonly joins: Joins;
  private readonly round: Rounds;
  private current: History;
  private replacing: Promise<void> | undefined;

  private constructor(source: OpeningSource, history: History, options: TenantStateOptions) {
    const report = options.report ?? ((): void => undefined);
    this.tenant = source.tenant;
    this.source = source;
    this.idleSubjects = options.idleSubjects ?? TENANT_LIMITS.idleSubjects;
    this.steps = new Listeners(report);
    this.replacements = new Listeners(report);
    this.joins = new Joins(this, source);
    this.round = createRounds(() => withDeadline(READ_MS, (call) => this.follow(call)));
    this.current = history;
  }

  /** Opens the tenant at the head of its log, with all shared records. */
  static async open(
    tenant: string,
    catalog: Catalog,
    options: TenantStateOptions = {},
  ): Promise<TenantState> {
    const recentCommits = options.recentCommits ?? TENANT_LIMITS.recentCommits;
    const budget = options.budget ?? new RecentBudget();
    const source = { tenant, catalog, holds: new Holds(), recentCommits, budget };
    const history = await withDeadline(READ_MS, (call) => openHistory(source, call));
    return new TenantState(source, history, options);
  }

  /** The history that the log had when it was read last. */
  get history(): History {
    return this.current;
  }

  /** The place that this state is at. */
  get position(): Position {
    return this.current.position;
  }

  get recent(): RecentCommits {
    return this.current.recent;
  }

  byId(id: string): StoredServer | undefined {
    return this.index.byId(id);
  }

  /** The load record of a user that is held. */
  loadOf(user: string): LoadRecord | undefined {
    return this.index.loadOf(user);
  }

  privateSource(): SourceRecord | undefined {
    return this.index.privateSource();
  }

  shared(name: string): StoredServer | undefined {
    return this.index.shared(name);
  }

  allShared(): Iterable<StoredServer> {
    return this.index.allShared();
  }

  privateOf(subject: Subject): Iterable<StoredServer> {
    return this.index.privateOf(subject);
  }

  privateNamed(subject: Subject, name: string): Iterable<StoredServer> {
    return this.index.privateNamed(subject, name);
  }

  /** All held records; all records of the tenant while the inventory is held. */
  all(): Iterable<StoredServer> {
    return this.current.records.all();
  }

  /** Whether the records of all of them are here; marks them as used. */
  isWarm(subjects: readonly Subject[]): boolean {
    return subjects.every((subject) => this.current.records.warm.touch(subject));
  }

  /**
   * Brings the records of `subjects` in, and keeps them until the returned function is called.
   * At once if they are there. `signal` ends the waiting.
   */
  async hold(subjects: readonly Subject[], { signal }: CallOptions = {}): Promise<Release> {
    while (this.replacing !== undefined) await this.replaced(signal);
    const unhold = this.holds.subjects.hold(subjects);
    const release = (): void => {
      unhold();
      this.dropIdle();
    };
    const isWarm = this.isWarm(subjects);
    await this.bringIn(isWarm ? undefined : this.joins.subjects(subjects), { signal, release });
    this.dropIdle();
    return release;
  }

  /** Brings in every record of the tenant, and keeps it until the returned function is called. */
  async holdInventory({ signal }: CallOptions = {}): Promise<Release> {
    while (this.replacing !== undefined) await this.replaced(signal);
    const unhold = this.holds.inventories.hold([Symbol('inventory')]);
    const release = (): void => {
      unhold();
      const { records } = this.current;
      if (this.holds.inventories.size === 0) records.hasAll = false;
      if (!records.hasAll) records.dropUnheld();
    };
    const { hasAll } = this.current.records;
    await this.bringIn(hasAll ? undefined : this.joins.inventory(), { signal, release });
    return release;
  }

  /**
   * Follows the records of ids, which may be any, until the returned function is called, whoever
   * comes to own them. They are then here with all their grants, and so are the other servers of
   * their owners; an id without a server brings nothing.
   */
  async holdRecords(ids: readonly string[], options: CallOptions = {}): Promise<Release> {
    while (this.replacing !== undefined) await this.replaced(options.signal);
    const unhold = this.holds.ids.hold(ids);
    const release = (): void => {
      unhold();
      for (const id of ids) this.current.records.dropIfUnheld(this.byId(id));
    };
    const missing = ids.filter((id) => !this.current.records.isWhole(id));
    const joining = missing.length === 0 ? undefined : this.joins.records(missing);
    await this.bringIn(joining, { signal: options.signal, release });
    const owners = new Set(ids.flatMap((id) => this.byId(id)?.record.owner ?? []));
    if (owners.size === 0) return release;
    try {
      const releaseOwners = await this.hold([...owners].map(userSubject), options);
      return () => {
        releaseOwners();
        release();
      };
    } catch (error) {
      release();
      throw error;
    }
  }

  /**
   * Applies commits that continue this state; those it already has are skipped. Returns false if
   * there is a gap or they are of another history (rule 30): read the Catalog.
   */
  advance(commits: readonly StoredCommit[], trusted = false): boolean {
    return this.current.advance(commits, this.tell, trusted);
  }

  /**
   * Reads the Catalog until this state is at `revision` or, without one, at a head that the
   * Catalog confirmed after the call. Throws CATALOG_UNAVAILABLE if the log ends before.
   * `signal` ends the waiting.
   */
  async catchUp(revision?: number, { signal }: CallOptions = {}): Promise<void> {
    const isThere = (): boolean => revision !== undefined && this.position.revision >= revision;
    if (isThere()) return;
    await this.round(signal);
    if (revision === undefined || isThere()) return;
    throw new SwitchboardError('CATALOG_UNAVAILABLE', 'the log ends before what was read of it');
  }

  /** Resolves when this state is at `revision` or beyond; rejects with the signal's reason. */
  reached(revision: number, signal: AbortSignal): Promise<void> {
    return this.waiters.reached(revision, () => this.position.revision, signal);
  }

  /**
   * Calls `listener` synchronously for each commit, before it becomes visible. One that throws
   * stops neither the tenant nor the other listeners; it is reported.
   */
  onStep(listener: (step: Step) => void): () => void {
    return this.steps.add(listener);
  }

  /**
   * Calls `listener` synchronously when the log was found to be another one than that which this
   * state was made from, and the state was made anew. No steps lead from the old to the new one.
   */
  onReplaced(listener: (loss: Loss) => void): () => void {
    return this.replacements.add(listener);
  }

  /** A copy-on-write state of this revision that stays what it is, until `release`. */
  freeze(): FrozenState {
    return this.current.records.freeze();
  }

  private get index(): StateIndex {
    return this.current.records.index;
  }

  private get holds(): Holds {
    return this.source.holds;
  }

  private readonly tell = (step: Step): void => {
    this.steps.tell(step);
    // They look in a later turn, when the commit is visible.
    this.waiters.wake();
  };

  private async follow(call: CallOptions): Promise<void> {
    const { tenant, catalog } = this.source;
    for (;;) {
      const loss = await readOn(this.current, { tenant, catalog, tell: this.tell }, call);
      if (loss === undefined) return;
      this.replacing = this.replace(loss, call).finally(() => {
        this.replacing = undefined;
      });
      await this.replacing;
    }
  }

  private async replace(loss: Loss, call: CallOptions): Promise<void> {
    const { recent } = this.current;
    this.current = await openHistory(this.source, call);
    recent.clear();
    this.replacements.tell(loss);
    this.waiters.wake();
  }

  /** Resolves when the state was made anew: what is held by then only would be missing in it. */
  private async replaced(signal: AbortSignal | undefined): Promise<void> {
    const replaced = Promise.resolve(this.replacing).catch(() => undefined);
    await (signal === undefined ? replaced : untilAborted(replaced, signal));
  }

  /** Waits for what is held; releases it again if it cannot be had. */
  private async bringIn(
    joining: Promise<void> | undefined,
    { signal, release }: { readonly signal: AbortSignal | undefined; readonly release: Release },
  ): Promise<void> {
    if (joining === undefined) return;
    try {
      await (signal === undefined ? joining : untilAborted(joining, signal));
    } catch (error) {
      release();
      throw error;
    }
  }

  private dropIdle(): void {
    const { records } = this.current;
    if (records.warm.evict(this.holds.subjects, this.idleSubjects)) records.dropUnheld();
  }
}
