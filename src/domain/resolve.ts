import type { LoadRecord } from './load-record.js';
import { grantTo, type StoredServer } from './server.js';
import type { SourceRecord } from './source-record.js';
import { subjectsOf, userSubject, type ReaderView, type Subject, type View } from './view.js';

/** The records that a decision looks at, by the indexes that it needs. */
export interface RecordIndex {
  /** The shared (APP or USER) server of a name. */
  shared(name: string): StoredServer | undefined;
  /** All shared servers. */
  allShared(): Iterable<StoredServer>;
  /** The PRIVATE servers that a subject owns or was granted. */
  privateOf(subject: Subject): Iterable<StoredServer>;
  /** Those of one name: few, however many the subject has. */
  privateNamed(subject: Subject, name: string): Iterable<StoredServer>;
}

/** The records of one state of the log, also by id, and what was loaded for users. */
export interface StateIndex extends RecordIndex {
  byId(id: string): StoredServer | undefined;
  /** The load record of a user; undefined if nothing was ever loaded for it. */
  loadOf(user: string): LoadRecord | undefined;
  /** The private source of the tenant; undefined if nothing was ever loaded from one. */
  privateSource(): SourceRecord | undefined;
}

/** How a view sees a PRIVATE server: as its owner, or by its earliest grant. */
export interface Sight {
  readonly owned: boolean;
  /** The lowest revision at which one of the view's subjects was granted it. */
  readonly grantRevision: number;
}

/**
 * The one rule: a shared server of the name; else the PRIVATE one that the user owns;
 * else the one granted to one of the subjects at the lowest revision, of equals the one
 * with the smaller id. The app view has APP servers only. Disabled servers still shadow.
 */
export function resolve(
  index: RecordIndex,
  name: string,
  view: ReaderView,
): StoredServer | undefined {
  const shared = index.shared(name);
  if (view.kind === 'app') return shared?.record.tier === 'APP' ? shared : undefined;
  if (shared !== undefined) return shared;
  let best: StoredServer | undefined;
  for (const subject of subjectsOf(view)) {
    for (const candidate of index.privateNamed(subject, name)) {
      if (best === undefined || comesBefore(candidate, best, view)) best = candidate;
    }
  }
  return best;
}

/**
 * All servers of the name that the view sees, in the order in which the name would go to
 * them: the first is what `resolve` finds.
 */
export function rankNamed(
  index: RecordIndex,
  name: string,
  view: ReaderView,
): readonly StoredServer[] {
  const shared = index.shared(name);
  const first = shared !== undefined && maySee(shared, view) ? [shared] : [];
  // Each once, though it may be seen by several subjects.
  const seen = new Map<string, StoredServer>();
  for (const subject of subjectsOf(view)) {
    for (const candidate of index.privateNamed(subject, name))
      seen.set(candidate.record.id, candidate);
  }
  const others = [...seen.values()].sort((a, b) => (comesBefore(a, b, view) ? -1 : 1));
  return [...first, ...others];
}

/** All servers that `resolve` finds in the view, each once, ordered by name. */
export function listResolved(index: RecordIndex, view: ReaderView): StoredServer[] {
  const winners = new Map<string, StoredServer>();
  for (const server of index.allShared()) {
    if (view.kind === 'user' || server.record.tier === 'APP') {
      winners.set(server.record.name, server);
    }
  }
  for (const subject of subjectsOf(view)) {
    for (const candidate of index.privateOf(subject)) {
      const { name } = candidate.record;
      if (index.shared(name) !== undefined) continue;
      const best = winners.get(name);
      if (best === undefined || comesBefore(candidate, best, view)) winners.set(name, candidate);
    }
  }
  return [...winners.values()].sort((a, b) => compareText(a.record.name, b.record.name));
}

/** How `view` sees `server`; undefined if it does not. Shadowing plays no part here. */
export function sightOf(server: StoredServer, view: View): Sight | undefined {
  if (view.kind !== 'user' || server.record.tier !== 'PRIVATE') return undefined;
  const revisions = subjectsOf(view).flatMap((subject) => grantTo(server, subject)?.revision ?? []);
  const owned = server.record.owner === view.user;
  if (!owned && revisions.length === 0) return undefined;
  return { owned, grantRevision: revisions.length === 0 ? 0 : Math.min(...revisions) };
}

/** Whether the view may see the server by its id, shadowed or not. */
export function maySee(server: StoredServer, view: View): boolean {
  if (view.kind === 'inventory') return true;
  if (server.record.tier === 'APP') return true;
  if (view.kind === 'app') return false;
  return server.record.tier === 'USER' || sightOf(server, view) !== undefined;
}

/** One subject of a view by which a PRIVATE server is seen. */
export interface SubjectSight {
  readonly subject: Subject;
  /** Whether it owns the server; then there is no grant. */
  readonly owner: boolean;
  /** Of the grant; 0 for the owner. */
  readonly revision: number;
}

/** By which subjects of the view a PRIVATE server is seen: the owner, then by grants as stored. */
export function subjectSights({ record, grants }: StoredServer, view: View): SubjectSight[] {
  const subjects = subjectsOf(view);
  const granted = grants
    .filter(({ subject }) => subjects.includes(subject))
    .map(({ subject, revision }): SubjectSight => ({ subject, owner: false, revision }));
  if (view.kind !== 'user' || record.owner !== view.user) return granted;
  return [{ subject: userSubject(view.user), owner: true, revision: 0 }, ...granted];
}

/** Of two sights of one name, whether the first wins: owned, then granted first, then id. */
export function sightWins(a: Sight & { id: string }, b: Sight & { id: string }): boolean {
  if (a.owned !== b.owned) return a.owned;
  if (!a.owned && a.grantRevision !== b.grantRevision) return a.grantRevision < b.grantRevision;
  return a.id < b.id;
}

/** Orders text by UTF-16 units: the same on every machine, whatever its locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function comesBefore(a: StoredServer, b: StoredServer, view: ReaderView): boolean {
  const [first, second] = [sightOf(a, view), sightOf(b, view)];
  if (first === undefined || second === undefined) return first !== undefined;
  return sightWins({ ...first, id: a.record.id }, { ...second, id: b.record.id });
}
