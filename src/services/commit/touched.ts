import { changedId, type Commit } from '../../domain/commit.js';
import type { RecentCommits } from '../replica/recent-commits.js';
import type { Basis } from './intent.js';

/** What commits changed. */
interface Touched {
  readonly ids: Set<string>;
  /** Of the records, before and after. */
  readonly names: Set<string>;
  /** The ids of those that are no more. */
  readonly deleted: Set<string>;
}

/** Tells which bases no longer hold, in a batch that is being decided. */
export interface Freshness {
  /** Whether what the basis has changed since, or nobody can tell any more. */
  isOutdated(basis: Basis): boolean;
  /** Adds a commit of the batch. */
  add(commit: Pick<Commit, 'changes'>): void;
}

/**
 * Indexes what changed, once for all writes of the batch that were prepared at one revision: an
 * apply may have thousands of them, and the log thousands of commits since.
 */
export function createFreshness(recent: RecentCommits, head: number): Freshness {
  const since = new Map<number, Touched | undefined>();
  const inBatch = emptyTouched();
  const touchedSince = (revision: number): Touched | undefined => {
    if (!since.has(revision)) {
      const commits = revision >= head ? [] : recent.after(revision);
      const touched = emptyTouched();
      for (const commit of commits ?? []) touch(touched, commit);
      since.set(revision, commits && touched);
    }
    return since.get(revision);
  };
  return {
    isOutdated: (basis) => {
      const before = touchedSince(basis.revision);
      return before === undefined || concerns(before, basis) || concerns(inBatch, basis);
    },
    add: (commit) => {
      touch(inBatch, commit);
    },
  };
}

function emptyTouched(): Touched {
  return { ids: new Set(), names: new Set(), deleted: new Set() };
}

function touch({ ids, names, deleted }: Touched, { changes }: Pick<Commit, 'changes'>): void {
  for (const change of changes) {
    const { before, after } = change;
    ids.add(changedId(change));
    if (before !== undefined) names.add(before.name);
    if (after !== undefined) names.add(after.name);
    else deleted.add(changedId(change));
  }
}

function concerns(touched: Touched, { ids, names, deletionsOf }: Basis): boolean {
  return (
    ids?.some((id) => touched.ids.has(id)) === true ||
    (names !== undefined && haveCommon(names, touched.names)) ||
    (deletionsOf !== undefined && haveCommon(deletionsOf, touched.deleted))
  );
}

function haveCommon(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  const [few, many] = a.size < b.size ? [a, b] : [b, a];
  for (const each of few) if (many.has(each)) return true;
  return false;
}
