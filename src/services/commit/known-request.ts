import { positionOf, type Commit, type RequestKey } from '../../domain/commit.js';
import { SwitchboardError } from '../../domain/errors.js';
import type { TenantState } from '../replica/tenant-state.js';
import type { RecentCommits } from '../replica/recent-commits.js';
import type { WriteOutcome } from './intent.js';

/** Up to where a request that was looked up has no commit. */
export interface LookedUp {
  readonly revision: number;
  /** Those of the history in which that is so: commits after it tell of the request. */
  readonly recent: RecentCommits;
}

/** Whether the recent commits tell what became of a request since it was looked up. */
export function isCovered(
  lookedUp: LookedUp | undefined,
  { position, recent }: Pick<TenantState, 'position' | 'recent'>,
): boolean {
  if (lookedUp === undefined || lookedUp.recent !== recent) return false;
  return lookedUp.revision >= position.revision || recent.reaches(lookedUp.revision);
}

/** What a repeated request returns. Throws REQUEST_ID_REUSED if the commit is of another one. */
export function repeatOf(commit: Commit, request: RequestKey, epoch: string): WriteOutcome {
  if (commit.request?.bodyDigest !== request.bodyDigest)
    throw new SwitchboardError('REQUEST_ID_REUSED');
  return { kind: 'committed', commit, position: positionOf(epoch, commit), repeated: true };
}
