import { applyChange, changedId, type Commit } from './commit.js';
import type { LoadRecord } from './load-record.js';
import type { StateIndex } from './resolve.js';
import { audienceOf, isShared, sameAudience, type StoredServer } from './server.js';
import type { SourceRecord } from './source-record.js';
import type { Subject } from './view.js';

/** Ids of the servers that one subject sees, by name; nearly always one. */
type NamedIds = Map<string, readonly string[]>;

/** Records by id, by shared name, and by subject and name; load records by user; the source. */
export class RecordSet implements StateIndex {
  private readonly records = new Map<string, StoredServer>();
  private readonly names = new Map<string, StoredServer>();
  private readonly subjects = new Map<Subject, NamedIds>();
  private readonly loads = new Map<string, LoadRecord>();
  private source: SourceRecord | undefined;
  private readonly tracks: (subject: Subject) => boolean;

  /** `tracks` says which subjects are indexed; a server has up to 10,000. */
  constructor(tracks: (subject: Subject) => boolean = () => true) {
    this.tracks = tracks;
  }

  get size(): number {
    return this.records.size;
  }

  byId(id: string): StoredServer | undefined {
    return this.records.get(id);
  }

  loadOf(user: string): LoadRecord | undefined {
    return this.loads.get(user);
  }

  privateSource(): SourceRecord | undefined {
    return this.source;
  }

  /** The users of whom there is a load record. */
  loadedUsers(): Iterable<string> {
    return this.loads.keys();
  }

  shared(name: string): StoredServer | undefined {
    return this.names.get(name);
  }

  allShared(): Iterable<StoredServer> {
    return this.names.values();
  }

  *privateOf(subject: Subject): Iterable<StoredServer> {
    for (const ids of this.subjects.get(subject)?.values() ?? []) yield* this.present(ids);
  }

  privateNamed(subject: Subject, name: string): readonly StoredServer[] {
    return this.present(this.subjects.get(subject)?.get(name) ?? []);
  }

  all(): Iterable<StoredServer> {
    return this.records.values();
  }

  put(server: StoredServer): void {
    const { id } = server.record;
    const held = this.records.get(id);
    if (held !== undefined && sameKeys(held, server)) {
      this.records.set(id, server);
      return;
    }
    this.remove(id);
    this.records.set(id, server);
    if (isShared(server.record)) this.names.set(server.record.name, server);
    else for (const subject of audienceOf(server)) this.index(subject, server);
  }

  putLoad(load: LoadRecord): void {
    this.loads.set(load.user, load);
  }

  putSource(source: SourceRecord): void {
    this.source = source;
  }

  removeLoad(user: string): void {
    this.loads.delete(user);
  }

  remove(id: string): void {
    const server = this.records.get(id);
    if (server === undefined) return;
    this.records.delete(id);
    const { name } = server.record;
    if (this.names.get(name) === server) this.names.delete(name);
    for (const subject of audienceOf(server)) {
      const named = this.subjects.get(subject);
      if (named === undefined) continue;
      const left = named.get(name)?.filter((each) => each !== id) ?? [];
      if (left.length > 0) named.set(name, left);
      else named.delete(name);
      if (named.size === 0) this.subjects.delete(subject);
    }
  }

  private index(subject: Subject, { record: { id, name } }: StoredServer): void {
    if (!this.tracks(subject)) return;
    const named = this.subjects.get(subject) ?? new Map<string, readonly string[]>();
    const others = named.get(name) ?? [];
    // An owner may have a grant as well.
    if (!others.includes(id)) this.subjects.set(subject, named.set(name, [...others, id]));
  }

  private present(ids: readonly string[]): StoredServer[] {
    return ids.flatMap((id) => this.records.get(id) ?? []);
  }
}

/** Whether both are surely found by the same keys, so that nothing has to be indexed anew. */
function sameKeys(a: StoredServer, b: StoredServer): boolean {
  return a.record.name === b.record.name && sameAudience(a, b);
}

/**
 * A state that differs from `base` in some records: what a commit would make of it, or
 * what it was some commits ago. `base` may move only where `pin` was called before.
 */
export class Overlay implements StateIndex {
  private readonly base: StateIndex;
  /** Every record that differs, also those that do not exist here. */
  private readonly differs = new Set<string>();
  private readonly own = new RecordSet();
  /** Those of them that the base still finds by the same keys. */
  private readonly kept = new Map<string, StoredServer>();
  /** Load records that differ, also those that do not exist here. */
  private readonly loads = new Map<string, LoadRecord | undefined>();
  /** The private source, if it may differ. */
  private source: { readonly record: SourceRecord | undefined } | undefined;

  constructor(base: StateIndex) {
    this.base = base;
  }

  byId(id: string): StoredServer | undefined {
    if (!this.differs.has(id)) return this.base.byId(id);
    return this.kept.get(id) ?? this.own.byId(id);
  }

  loadOf(user: string): LoadRecord | undefined {
    return this.loads.has(user) ? this.loads.get(user) : this.base.loadOf(user);
  }

  privateSource(): SourceRecord | undefined {
    return this.source === undefined ? this.base.privateSource() : this.source.record;
  }

  shared(name: string): StoredServer | undefined {
    return this.own.shared(name) ?? this.ifSame(this.base.shared(name));
  }

  *allShared(): Iterable<StoredServer> {
    yield* this.own.allShared();
    yield* this.same(this.base.allShared());
  }

  *privateOf(subject: Subject): Iterable<StoredServer> {
    yield* this.own.privateOf(subject);
    yield* this.asHere(this.base.privateOf(subject));
  }

  *privateNamed(subject: Subject, name: string): Iterable<StoredServer> {
    yield* this.own.privateNamed(subject, name);
    yield* this.asHere(this.base.privateNamed(subject, name));
  }

  /** Gives one record a state of its own; undefined: it does not exist here. */
  set(id: string, server: StoredServer | undefined): void {
    this.differs.add(id);
    const held = this.base.byId(id);
    // Not indexed anew: a server has up to 10,000 subjects.
    if (server !== undefined && held !== undefined && sameKeys(held, server)) {
      this.own.remove(id);
      this.kept.set(id, server);
      return;
    }
    this.kept.delete(id);
    if (server === undefined) this.own.remove(id);
    else this.own.put(server);
  }

  /** Gives one load record a state of its own; undefined: it does not exist here. */
  setLoad(user: string, load: LoadRecord | undefined): void {
    this.loads.set(user, load);
  }

  /** Keeps a load record as it is here, before `base` changes it. */
  pinLoad(user: string): void {
    this.loads.set(user, this.loadOf(user));
  }

  /** Gives the private source a state of its own; undefined: there is none here. */
  setSource(record: SourceRecord | undefined): void {
    this.source = { record };
  }

  /** Keeps the private source as it is here, before `base` changes it. */
  pinSource(): void {
    this.setSource(this.privateSource());
  }

  /** Keeps a record as it is here, before `base` changes it. */
  pin(id: string): void {
    const here = this.byId(id);
    this.differs.add(id);
    this.kept.delete(id);
    if (here !== undefined) this.own.put(here);
  }

  /** Moves the state forward by one commit, or by what one would change. */
  apply(commit: Pick<Commit, 'changes' | 'loads' | 'source'>): void {
    for (const change of commit.changes) {
      const id = changedId(change);
      this.set(id, applyChange(this.byId(id), change));
    }
    for (const { after } of commit.loads ?? []) this.loads.set(after.user, after);
    if (commit.source !== undefined) this.setSource(commit.source.after);
  }

  /** What the base finds for a subject, as it is here. */
  private *asHere(servers: Iterable<StoredServer>): Iterable<StoredServer> {
    for (const server of servers) {
      const { id } = server.record;
      const here = this.differs.has(id) ? this.kept.get(id) : server;
      if (here !== undefined) yield here;
    }
  }

  private ifSame(server: StoredServer | undefined): StoredServer | undefined {
    return server === undefined || this.differs.has(server.record.id) ? undefined : server;
  }

  private *same(servers: Iterable<StoredServer>): Iterable<StoredServer> {
    for (const server of servers) if (!this.differs.has(server.record.id)) yield server;
  }
}
