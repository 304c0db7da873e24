import { changedId, type Commit } from '../../domain/commit.js';
import type { LoadRecord } from '../../domain/load-record.js';
import { Overlay, RecordSet } from '../../domain/record-set.js';
import type { StateIndex } from '../../domain/resolve.js';
import { isShared, sameAudience, type StoredServer, unionOfGrants } from '../../domain/server.js';
import type { SourceRecord } from '../../domain/source-record.js';
import { userSubject } from '../../domain/view.js';
import type { PrivateServer } from '../../storage/projections.js';
import type { Holds } from './holds.js';
import { WarmSubjects } from './warm-subjects.js';

/** A state that stays what it is while the log goes on, until `release`. */
export interface FrozenState {
  readonly state: Overlay;
  readonly release: () => void;
}

/**
 * The records of one revision that a replica holds of a tenant: all shared ones, the private ones
 * of warm subjects with what was loaded for them, and those that are held by their id.
 */
export class HeldRecords {
  readonly warm = new WarmSubjects();
  /** Whether every record of the tenant is here. */
  hasAll = false;
  private readonly holds: Holds;
  private readonly records = new RecordSet((subject) => this.warm.has(subject));
  private readonly frozen = new Set<Overlay>();
  /** Of these the grants to others than the warm subjects are not known. */
  private readonly partial = new Set<string>();

  constructor(holds: Holds) {
    this.holds = holds;
  }

  get index(): StateIndex {
    return this.records;
  }

  all(): Iterable<StoredServer> {
    return this.records.all();
  }

  /** Whether the record is here with all its grants. */
  isWhole(id: string): boolean {
    return this.records.byId(id) !== undefined && !this.partial.has(id);
  }

  freeze(): FrozenState {
    const state = new Overlay(this.records);
    this.frozen.add(state);
    return { state, release: () => this.frozen.delete(state) };
  }

  /**
   * Takes in a record that was found in the projections, at the revision of these records, if it
   * is to be held. What a partial one has of the grants comes to those that are known.
   */
  put({ isPartial, ...server }: PrivateServer): void {
    if (!this.isToBeHeld(server)) return;
    const { id } = server.record;
    const held = this.records.byId(id);
    if (!isPartial) this.partial.delete(id);
    else if (held === undefined) this.partial.add(id);
    // With a new list, so that it is found by the subjects that became warm.
    const grants = isPartial && held !== undefined ? unionOfGrants(held, server) : server.grants;
    this.records.put({ record: server.record, grants });
  }

  putLoad(load: LoadRecord): void {
    this.records.putLoad(load);
  }

  putSource(source: SourceRecord): void {
    this.records.putSource(source);
  }

  /** Moves on by one commit, to `after`. */
  apply(commit: Commit, after: StateIndex): void {
    for (const change of commit.changes) {
      const id = changedId(change);
      for (const state of this.frozen) state.pin(id);
      // It comes in by a difference: its other grants stay unknown.
      if (change.before !== undefined && this.records.byId(id) === undefined) this.partial.add(id);
    }
    for (const id of new Set(commit.changes.map(changedId))) {
      this.settle(id, after.byId(id), commit.revision);
    }
    for (const { after: load } of commit.loads ?? []) this.settleLoad(load);
    if (commit.source !== undefined) this.settleSource(commit.source.after);
  }

  /** Drops what neither a warm subject nor a hold keeps here. */
  dropUnheld(): void {
    for (const user of [...this.records.loadedUsers()]) {
      if (!this.warm.has(userSubject(user))) this.records.removeLoad(user);
    }
    for (const server of [...this.records.all()]) this.dropIfUnheld(server);
  }

  dropIfUnheld(server: StoredServer | undefined): void {
    if (server !== undefined && !this.isToBeHeld(server)) this.drop(server.record.id);
  }

  private isToBeHeld(server: StoredServer): boolean {
    const { inventories, ids } = this.holds;
    if (isShared(server.record) || inventories.size > 0) return true;
    return ids.has(server.record.id) || this.warm.hasSeerOf(server);
  }

  private settle(id: string, server: StoredServer | undefined, revision: number): void {
    const held = this.records.byId(id);
    // A projection that was ahead gave us a newer state of this record already.
    if (held !== undefined && held.record.revision > revision) return;
    const staysHeld = held !== undefined && server !== undefined && sameAudience(held, server);
    if (server !== undefined && (staysHeld || this.isToBeHeld(server))) this.records.put(server);
    else this.drop(id);
  }

  private settleLoad(load: LoadRecord): void {
    for (const state of this.frozen) state.pinLoad(load.user);
    // As with records: what was read ahead of the log may be newer.
    if ((this.records.loadOf(load.user)?.revision ?? 0) > load.revision) return;
    if (this.warm.has(userSubject(load.user))) this.records.putLoad(load);
  }

  private settleSource(source: SourceRecord): void {
    for (const state of this.frozen) state.pinSource();
    if ((this.records.privateSource()?.revision ?? 0) > source.revision) return;
    this.records.putSource(source);
  }

  private drop(id: string): void {
    this.records.remove(id);
    this.partial.delete(id);
  }
}
