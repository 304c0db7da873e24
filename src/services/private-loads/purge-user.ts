import type { Change } from '../../domain/commit.js';
import { decidePurge, isPurging } from '../../domain/commands/load/decide-user.js';
import type { WriteOutcome } from '../commit/intent.js';
import { fittingChanges } from '../writes/fitting-changes.js';
import { validateId, type Answer, type RequestContext } from '../request.js';
import { checkOptions, holdOwned, written, type WriteOptions } from '../writes/write-request.js';
import type { LoadCallDeps } from './load-status.js';
import { requestOfPart } from './request-of-part.js';

export interface PurgeInput extends WriteOptions {
  readonly user: string;
}

/** What a purge took away, or would. */
export interface Purged {
  readonly deletedCount: number;
  readonly revokedCount: number;
}

/**
 * Removes what a departed user had, in as few commits as hold it: the first one also sees
 * to it that nothing is loaded for the user any more. Each has a request of its own, made
 * from that of the call (rule 13): repeating completes what was interrupted, and answers
 * what all of them did.
 */
export async function purgeUser(
  deps: LoadCallDeps,
  context: RequestContext,
  input: PurgeInput,
): Promise<Answer<Purged>> {
  checkOptions(input);
  validateId(input.user, 'user');
  const { user, validateOnly } = input;
  const tenant = await deps.tenants.get(context.tenant);
  const common = written('purge', context, input);
  const all: Change[] = [];
  const purgePart = (part: number): Promise<WriteOutcome> =>
    tenant.committer.submit({
      ...common,
      ...requestOfPart('purge', common.request, part),
      prepare: (call) => holdOwned(tenant, user, call),
      decide: (at) => decidePurge(at, user, validateOnly ? (changes) => changes : fittingChanges),
    });
  let outcome = await purgePart(0);
  for (let part = 1; outcome.kind === 'committed'; part += 1) {
    all.push(...outcome.commit.changes);
    // Asked for more, a repeated request would take what the user got since.
    if (!isPurging(outcome.commit)) break;
    outcome = await purgePart(part);
  }
  if (outcome.kind === 'unchanged') all.push(...(outcome.decision?.changes ?? []));
  const deletedCount = all.filter(({ after }) => after === undefined).length;
  const value = { deletedCount, revokedCount: all.length - deletedCount };
  return { value, position: outcome.position, upstream: tenant.upstream.status() };
}
