import { changedId, follows, type Commit, type Position } from '../../domain/commit.js';
import { SwitchboardError } from '../../domain/errors.js';
import type { LoadRecord } from '../../domain/load-record.js';
import { Overlay, RecordSet } from '../../domain/record-set.js';
import type { StateIndex } from '../../domain/resolve.js';
import {
  hasSeerAmong,
  isShared,
  sameAudience,
  type StoredServer,
  unionOfGrants,
} from '../../domain/server.js';
import { userSubject, usersAmong, type Subject } from '../../domain/view.js';
import type { Catalog } from '../../storage/catalog.js';
import { admit, type Admission } from './admission.js';
import { queryInventory, queryRecord, querySubjects } from './cold-queries.js';
import { RecentCommits } from './recent-commits.js';
import { HeldSubjects } from './held-subjects.js';
import { TENANT_LIMITS, type TenantLimits } from './tenant-limits.js';
import { RevisionWaiters } from './revision-waiters.js';

/** One commit with the states around it, told to listeners before it becomes visible. */
export interface Step {
  readonly commit: Commit;
  readonly position: Position;
  readonly before: StateIndex;
  readonly after: StateIndex;
}

const NO_USERS: ReadonlySet<string> = new Set();

/**
 * A tenant as this replica holds it: the shared records, and the private ones of the
 * subjects in use with what was loaded for them, at one revision of one epoch. It moves only by whole commits in their
 * order (protocol.md rule 9), and what it answers in one turn of the event loop is of one
 * revision. A subject is cold until `join` has brought its records in (rule 8).
 */
export class TenantState implements StateIndex {
  readonly tenant: string;
  readonly recent: RecentCommits;
  private readonly catalog: Catalog;
  private readonly subjects: HeldSubjects;
  private readonly records: RecordSet;
  private readonly listeners = new Set<(step: Step) => void>();
  private readonly historians = new Set<Overlay>();
  private readonly waiters = new RevisionWaiters();
  /** Records that are held by their id, with how many hold each. */
  private readonly pins = new Map<string, number>();
  /** Records of the view whose grants to others than the held subjects are not known. */
  private readonly partial = new Set<string>();
  private inventoryHolds = 0;
  private inventoryLoad: Promise<void> | undefined;
  private hasLostLog = false;
  private catchingUp: Promise<void> | undefined;
  private place: Position;

  private constructor(
    tenant: string,
    catalog: Catalog,
    start: { position: Position; limits: TenantLimits },
  ) {
    this.tenant = tenant;
    this.catalog = catalog;
    this.place = start.position;
    this.recent = new RecentCommits(start.limits.recentCommits);
    this.subjects = new HeldSubjects(start.limits.idleSubjects);
    this.records = new RecordSet((subject) => this.subjects.has(subject));
  }

  /** Opens the tenant at the head of its log, with all shared records. */
  static async open(
    tenant: string,
    catalog: Catalog,
    limits = TENANT_LIMITS,
  ): Promise<TenantState> {
    const { from, to, value } = await catalog.projections.sharedServers(tenant);
    const position = await catalog.log.positionAt(tenant, from);
    if (position === undefined)
      throw new SwitchboardError('CATALOG_UNAVAILABLE', 'the log moved while it was opened');
    const log = new TenantState(tenant, catalog, { position, limits });
    for (const server of value) log.records.put(server);
    // Some of them may be ahead of that place; the log levels them.
    await log.catchUp(to);
    return log;
  }

  /** The place that this view is at. */
  get position(): Position {
    return this.place;
  }

  /** Whether the log can no longer be followed from here: the tenant has to be opened anew. */
  get isLost(): boolean {
    return this.hasLostLog;
  }

  byId(id: string): StoredServer | undefined {
    return this.records.byId(id);
  }

  /** The load record of a user that is held. */
  loadOf(user: string): LoadRecord | undefined {
    return this.records.loadOf(user);
  }

  shared(name: string): StoredServer | undefined {
    return this.records.shared(name);
  }

  allShared(): Iterable<StoredServer> {
    return this.records.allShared();
  }

  privateOf(subject: Subject): Iterable<StoredServer> {
    return this.records.privateOf(subject);
  }

  privateNamed(subject: Subject, name: string): Iterable<StoredServer> {
    return this.records.privateNamed(subject, name);
  }

  /** All held records; all records of the tenant while the inventory is held. */
  all(): Iterable<StoredServer> {
    return this.records.all();
  }

  /** Whether `join` would have nothing to do. */
  isWarm(subjects: readonly Subject[]): boolean {
    return subjects.every((subject) => this.subjects.touch(subject));
  }

  /** Brings the records of `subjects` in. At once if they are there. Single flight. */
  async join(subjects: readonly Subject[]): Promise<void> {
    if (this.isWarm(subjects)) return;
    await this.subjects.join(subjects, (cold) =>
      this.admit({
        query: () => querySubjects(this.catalog, this.tenant, cold),
        users: new Set(usersAmong(cold)),
        concerns: (server) => hasSeerAmong(server, new Set(cold)),
        finish: () => {
          this.subjects.add(cold);
        },
      }),
    );
    this.dropIdle();
  }

  /** Like `join`, and keeps them until the answered function is called. */
  async hold(subjects: readonly Subject[]): Promise<() => void> {
    const release = this.subjects.hold(subjects);
    try {
      await this.join(subjects);
    } catch (error) {
      release();
      throw error;
    }
    return () => {
      release();
      this.dropIdle();
    };
  }

  /** Brings in every record of the tenant, and keeps it until the answered function is called. */
  async holdInventory(): Promise<() => void> {
    this.inventoryHolds += 1;
    let held = true;
    const release = (): void => {
      if (!held) return;
      held = false;
      this.inventoryHolds -= 1;
      if (this.inventoryHolds === 0) this.inventoryLoad = undefined;
      this.dropUnheld();
    };
    try {
      await (this.inventoryLoad ??= this.loadInventory());
    } catch (error) {
      release();
      throw error;
    }
    return release;
  }

  /**
   * Follows the record of an id, which may be any, until the answered function is called,
   * whoever comes to own it. It is then in the view with all its grants, and so are the
   * other servers of its owner, unless it does not exist.
   */
  async holdRecord(id: string): Promise<() => void> {
    this.pins.set(id, (this.pins.get(id) ?? 0) + 1);
    let held = true;
    const unpin = (): void => {
      if (!held) return;
      held = false;
      const left = (this.pins.get(id) ?? 1) - 1;
      if (left > 0) this.pins.set(id, left);
      else this.pins.delete(id);
      this.dropIfUnheld(this.byId(id));
    };
    try {
      if (this.byId(id) === undefined || this.partial.has(id)) await this.admitRecord(id);
      const server = this.byId(id);
      const owner = server?.record.owner;
      const release = await this.hold(owner === undefined ? [] : [userSubject(owner)]);
      return () => {
        release();
        unpin();
      };
    } catch (error) {
      unpin();
      throw error;
    }
  }

  /**
   * Applies commits that continue this view; those it already has are skipped. Answers
   * false if there is a gap or they are of another history (rule 30): read the Catalog.
   */
  advance(commits: readonly Commit[], trusted = false): boolean {
    for (const commit of commits) {
      if (commit.revision <= this.place.revision) continue;
      if (commit.revision !== this.place.revision + 1) return false;
      if (!trusted && !follows(this.place, commit)) return false;
      this.step(commit);
    }
    return true;
  }

  /**
   * Reads the Catalog until this view is at `revision` or, without one, at a head that the
   * Catalog confirmed after the call. Throws CATALOG_UNAVAILABLE if the log ends before.
   */
  async catchUp(revision?: number): Promise<void> {
    const there = (): boolean => revision !== undefined && this.place.revision >= revision;
    if (there()) return;
    // What is under way may have asked before that was written which the caller knows of.
    await this.catchingUp?.catch(() => undefined);
    if (there()) return;
    this.catchingUp ??= this.readOn().finally(() => {
      this.catchingUp = undefined;
    });
    await this.catchingUp;
    if (revision === undefined || there()) return;
    throw new SwitchboardError('CATALOG_UNAVAILABLE', 'the log ends before what was read of it');
  }

  /** Resolves when this view is at `revision` or beyond; rejects with the signal's reason. */
  reached(revision: number, signal: AbortSignal): Promise<void> {
    return this.waiters.reached(revision, () => this.place.revision, signal);
  }

  /** Calls `listener` synchronously for each commit, before it becomes visible. */
  onStep(listener: (step: Step) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * A copy-on-write view of this revision that stays what it is while the log goes on,
   * until `release`.
   */
  freeze(): { state: Overlay; release: () => void } {
    const state = new Overlay(this);
    this.historians.add(state);
    return { state, release: () => this.historians.delete(state) };
  }

  private step(commit: Commit): void {
    const after = new Overlay(this);
    after.apply(commit);
    const position = {
      epoch: this.place.epoch,
      revision: commit.revision,
      fingerprint: commit.fingerprint,
    };
    const step: Step = { commit, position, before: this, after };
    for (const listener of this.listeners) listener(step);
    for (const change of commit.changes) {
      const id = changedId(change);
      for (const historian of this.historians) historian.pin(id);
      // It enters the view by a difference: its other grants stay unknown.
      if (change.before !== undefined && this.byId(id) === undefined) this.partial.add(id);
    }
    for (const id of new Set(commit.changes.map(changedId))) {
      this.settle(id, after.byId(id), commit.revision);
    }
    for (const { after: load } of commit.loads ?? []) this.settleLoad(load);
    this.recent.push(commit);
    this.place = position;
    this.waiters.wake();
  }

  private settle(id: string, server: StoredServer | undefined, revision: number): void {
    const held = this.records.byId(id);
    // A projection that was ahead gave us a newer state of this record already.
    if (held !== undefined && held.record.revision > revision) return;
    const staysHeld = held !== undefined && server !== undefined && sameAudience(held, server);
    if (server !== undefined && (staysHeld || this.holds(server))) this.records.put(server);
    else this.drop(id);
  }

  private settleLoad(load: LoadRecord): void {
    for (const historian of this.historians) historian.pinLoad(load.user);
    // As with records: what was read ahead of the log may be newer.
    if ((this.loadOf(load.user)?.revision ?? 0) > load.revision) return;
    if (this.subjects.has(userSubject(load.user))) this.records.putLoad(load);
  }

  private drop(id: string): void {
    this.records.remove(id);
    this.partial.delete(id);
  }

  private holds(server: StoredServer): boolean {
    if (isShared(server.record) || this.inventoryHolds > 0) return true;
    if (this.pins.has(server.record.id)) return true;
    return this.subjects.hasSeerOf(server);
  }

  private async readOn(): Promise<void> {
    for (;;) {
      const slice = await this.catalog.log.read(this.tenant, this.place.revision);
      if (!this.advance(slice.commits)) {
        throw this.lost('the log is not the one that this view was made from');
      }
      if (this.place.revision >= slice.head.revision) return;
      if (slice.commits.length === 0) {
        throw this.lost('the log was compacted beyond this view');
      }
    }
  }

  private lost(message: string): SwitchboardError {
    this.hasLostLog = true;
    return new SwitchboardError('CATALOG_UNAVAILABLE', message, { retryDelayMs: 1_000 });
  }

  private async admit(
    admission: Omit<Admission, 'log' | 'catalog' | 'put' | 'putLoad'>,
  ): Promise<void> {
    await admit({
      ...admission,
      putLoad: (load) => {
        this.records.putLoad(load);
      },
      log: this,
      catalog: this.catalog,
      put: (server, isPartial) => {
        if (this.holds(server)) this.bringIn(server, isPartial);
      },
    });
  }

  /** Adds what was found at this revision; of a partial record, to the grants already known. */
  private bringIn(server: StoredServer, isPartial: boolean): void {
    const { id } = server.record;
    const held = this.records.byId(id);
    const grants = isPartial && held !== undefined ? unionOfGrants(held, server) : server.grants;
    if (!isPartial) this.partial.delete(id);
    else if (held === undefined) this.partial.add(id);
    this.records.put({ record: server.record, grants });
  }

  private async admitRecord(id: string): Promise<void> {
    await this.admit({
      query: () => queryRecord(this.catalog, this.tenant, id),
      users: NO_USERS,
      concerns: (server) => server.record.id === id,
      finish: () => undefined,
    });
  }

  private loadInventory(): Promise<void> {
    return this.admit({
      query: () => queryInventory(this.catalog, this.tenant),
      users: NO_USERS,
      concerns: () => true,
      finish: () => undefined,
    });
  }

  private dropIdle(): void {
    if (this.subjects.evict()) this.dropUnheld();
  }

  private dropUnheld(): void {
    for (const user of [...this.records.loadedUsers()]) {
      if (!this.subjects.has(userSubject(user))) this.records.removeLoad(user);
    }
    for (const server of [...this.records.all()]) this.dropIfUnheld(server);
  }

  private dropIfUnheld(server: StoredServer | undefined): void {
    if (server !== undefined && !this.holds(server)) this.drop(server.record.id);
  }
}
