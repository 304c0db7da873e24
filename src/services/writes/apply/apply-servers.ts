import { invalidField } from '../../../domain/errors.js';
import { checkSetName } from '../../../domain/validate.js';
import type { Catalog } from '../../../storage/catalog.js';
import { applyEach } from './apply-each.js';
import { prepareJob, type ApplyInput } from './apply-job.js';
import type { AppliedSet } from './apply-result.js';
import { applyTogether } from './apply-together.js';
import type { Answer, RequestContext } from '../../request.js';
import { answerOf, checkOptions, type WriteDeps } from '../write-request.js';

/**
 * Makes the servers of a set match its declaration. Each item is answered by itself
 * and has a commit of its own, unless all or nothing is asked. What is as declared is left
 * alone (R4), so that repeating an interrupted apply completes it.
 */
export async function applyServers(
  deps: WriteDeps & { readonly catalog: Catalog },
  context: RequestContext,
  input: ApplyInput,
): Promise<Answer<AppliedSet>> {
  checkOptions(input);
  checkSetName(input.set, (description) => {
    throw invalidField('set', description);
  });
  const tenant = await deps.tenants.get(context.tenant);
  const job = await prepareJob(deps.catalog, tenant, { context, input });
  const isOneStep = input.allOrNothing || input.validateOnly;
  const { results, applied, position } = await (isOneStep ? applyTogether(job) : applyEach(job));
  return answerOf(tenant, { position }, { results, applied });
}
