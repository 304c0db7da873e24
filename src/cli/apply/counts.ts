import type { ApplyResult } from '../../wire/client/apply.js';
import type { Outcome } from './run.js';
import type { DeclaredSet } from './sets.js';

/** How many servers of a set had which fate. */
export interface Counts {
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly deleted: number;
  readonly left: number;
  readonly refused: number;
  readonly heldBack: number;
  /** Entries of the file that could not be read. */
  readonly broken: number;
  /** Servers that were not sent, or whose answer never came. */
  readonly open: number;
}

const FATES: Readonly<Record<ApplyResult['action'], keyof Counts>> = {
  created: 'created',
  updated: 'updated',
  unchanged: 'unchanged',
  deleted: 'deleted',
  left: 'left',
  refused: 'refused',
  held_back: 'heldBack',
};

/** Counts the answers of a set; undefined stands for one that is missing. */
export function countsOf(
  { read }: DeclaredSet,
  results: readonly (ApplyResult | undefined)[],
): Counts {
  const counts = {
    created: 0,
    updated: 0,
    unchanged: 0,
    deleted: 0,
    left: 0,
    refused: 0,
    heldBack: 0,
    broken: brokenEntries(read.problems),
    open: 0,
  };
  for (const result of results) {
    counts[result === undefined ? 'open' : FATES[result.action]] += 1;
  }
  return counts;
}

/** The same for what became of a set. */
export function outcomeCounts(set: DeclaredSet, { results, surplus }: Outcome): Counts {
  return countsOf(set, [...results, ...surplus]);
}

/** Several problems of one entry are one broken entry; each of the file as a whole is one. */
function brokenEntries(problems: DeclaredSet['read']['problems']): number {
  const entries = new Set(problems.map(({ server, line }) => server ?? line));
  return entries.size;
}

/** What a plan would change. */
export function changing({ created, updated, deleted }: Counts): number {
  return created + updated + deleted;
}

/** Whether everything that was declared is so now. */
export function allWell({ refused, heldBack, broken, open }: Counts): boolean {
  return refused + heldBack + broken + open === 0;
}
