import type { LoadStatus } from '../../domain/load-record.js';
import { decideInvalidate } from '../../domain/commands/load/decide-user.js';
import { awaitedNamespace } from '../../domain/commands/load/source.js';
import { validateId, type Answer, type RequestContext } from '../request.js';
import {
  answerOf,
  checkOptions,
  holdOwners,
  written,
  type WriteOptions,
} from '../writes/write-request.js';
import { statusOf, type LoadCallDeps } from './load-status.js';

export interface InvalidateInput extends Omit<WriteOptions, 'validateOnly'> {
  readonly user: string;
}

/**
 * Says that the source has changed for a user: a load that began before is thrown away,
 * and the next read waits for a new one. Where the Catalog is the source, nothing is to be
 * done.
 */
export async function invalidateUser(
  deps: LoadCallDeps,
  context: RequestContext,
  input: InvalidateInput,
): Promise<Answer<LoadStatus>> {
  checkOptions({ ...input, validateOnly: false });
  validateId(input.user, 'user');
  const { user } = input;
  const configured = deps.sourceOf(context.tenant)?.source.name;
  const tenant = await deps.tenants.get(context.tenant);
  const release = await holdOwners(tenant, [user], { signal: context.signal });
  try {
    const outcome = await tenant.committer.submit({
      ...written('invalidate', context, { ...input, validateOnly: false }),
      prepare: (call) => holdOwners(tenant, [user], call),
      decide: (at) =>
        awaitedNamespace(at.state.privateSource(), configured) === undefined
          ? undefined
          : decideInvalidate(at, user),
    });
    return answerOf(tenant, outcome, statusOf(deps, { tenant, user }));
  } finally {
    release();
  }
}
