import type { LoadRecord } from './load-record.js';
import { grantTo, type StoredServer, type Tier } from './server.js';
import type { SourceRecord } from './source-record.js';
import { normalName } from './text-form.js';
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
 * What one view sees, by the indexes that the rule needs, in whatever form its holder keeps
 * servers: a replica keeps them with their grants, a node with the sights that it was told.
 */
export interface ViewIndex<S> {
  readonly kind: ReaderView['kind'];
  /** The shared (APP or USER) server of a name, whether or not the view sees it. */
  shared(name: string): S | undefined;
  allShared(): Iterable<S>;
  /** The PRIVATE servers of a name that the view sees; one may come more than once. */
  privateNamed(name: string): Iterable<S>;
  allPrivate(): Iterable<S>;
  recordOf(server: S): Named;
  /** How the view sees a PRIVATE server; undefined if it does not. */
  sightOf(server: S): Sight | undefined;
}

/** What the rule looks at in a server. */
export interface Named {
  readonly id: string;
  readonly name: string;
  readonly tier: Tier;
}

/**
 * The one rule: a shared server of the name; else the PRIVATE one that the user owns;
 * else the one granted to one of the subjects at the lowest revision, of equals the one
 * with the smaller id. The app view has APP servers only. Disabled servers still shadow.
 * Names are kept in NFC, and found in any form.
 */
export function resolveIn<S>(index: ViewIndex<S>, name: string): S | undefined {
  const found = resolveExactly(index, name);
  if (found !== undefined) return found;
  // Only then: a server from before names were normalised has the one that it was given.
  const normal = normalName(name);
  return normal === name ? undefined : resolveExactly(index, normal);
}

function resolveExactly<S>(index: ViewIndex<S>, name: string): S | undefined {
  const shared = index.shared(name);
  if (shared !== undefined) {
    return isSeenByTier(index.recordOf(shared).tier, index.kind) === true ? shared : undefined;
  }
  if (index.kind === 'app') return undefined;
  let best: S | undefined;
  for (const candidate of index.privateNamed(name)) {
    if (best === undefined || comesBefore(index, candidate, best)) best = candidate;
  }
  return best;
}

/** All servers that `resolveIn` finds, each once, ordered by name. */
export function listIn<S>(index: ViewIndex<S>): S[] {
  const winners = new Map<string, S>();
  for (const server of index.allShared()) {
    const { name, tier } = index.recordOf(server);
    if (isSeenByTier(tier, index.kind) === true) winners.set(name, server);
  }
  for (const candidate of index.allPrivate()) {
    const { name } = index.recordOf(candidate);
    if (index.shared(name) !== undefined) continue;
    const best = winners.get(name);
    if (best === undefined || comesBefore(index, candidate, best)) winners.set(name, candidate);
  }
  return [...winners].sort(([a], [b]) => compareText(a, b)).map(([, server]) => server);
}

/** The server that a name means in a view; see `resolveIn`. */
export function resolve(
  index: RecordIndex,
  name: string,
  view: ReaderView,
): StoredServer | undefined {
  return resolveIn(new StoredViewIndex(index, view), name);
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
  const seenBy = new StoredViewIndex(index, view);
  const others = [...seen.values()].sort((a, b) => (comesBefore(seenBy, a, b) ? -1 : 1));
  return [...first, ...others];
}

/** All servers that `resolve` finds in the view, each once, ordered by name. */
export function listResolved(index: RecordIndex, view: ReaderView): StoredServer[] {
  return listIn(new StoredViewIndex(index, view));
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
  return isSeenByTier(server.record.tier, view.kind) ?? sightOf(server, view) !== undefined;
}

/** Whether the tier of a server says that a view sees it; undefined where its sights say it. */
export function isSeenByTier(tier: Tier, kind: View['kind']): boolean | undefined {
  if (kind === 'inventory' || tier === 'APP') return true;
  if (kind === 'app') return false;
  return tier === 'USER' ? true : undefined;
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

function comesBefore<S>(index: ViewIndex<S>, a: S, b: S): boolean {
  const [first, second] = [index.sightOf(a), index.sightOf(b)];
  if (first === undefined || second === undefined) return first !== undefined;
  return sightWins({ ...first, id: index.recordOf(a).id }, { ...second, id: index.recordOf(b).id });
}

/** Records with their grants, as one view sees them. */
class StoredViewIndex implements ViewIndex<StoredServer> {
  readonly #index: RecordIndex;
  readonly #view: ReaderView;

  constructor(index: RecordIndex, view: ReaderView) {
    this.#index = index;
    this.#view = view;
  }

  get kind(): ReaderView['kind'] {
    return this.#view.kind;
  }

  shared(name: string): StoredServer | undefined {
    return this.#index.shared(name);
  }

  allShared(): Iterable<StoredServer> {
    return this.#index.allShared();
  }

  *privateNamed(name: string): Iterable<StoredServer> {
    for (const subject of subjectsOf(this.#view)) yield* this.#index.privateNamed(subject, name);
  }

  *allPrivate(): Iterable<StoredServer> {
    for (const subject of subjectsOf(this.#view)) yield* this.#index.privateOf(subject);
  }

  recordOf({ record }: StoredServer): Named {
    return record;
  }

  sightOf(server: StoredServer): Sight | undefined {
    return sightOf(server, this.#view);
  }
}
