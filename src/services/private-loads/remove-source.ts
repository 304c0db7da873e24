import {
  decideRemoveSource,
  isRemoved,
  type SourcePage,
} from '../../domain/commands/load/change-source.js';
import type { Change } from '../../domain/commit.js';
import type { SourceServers } from '../../domain/source-record.js';
import type { WriteOutcome } from '../commit/intent.js';
import type { CallOptions } from '../../storage/call-options.js';
import type { Answer, RequestContext } from '../request.js';
import type { Tenant } from '../tenants.js';
import { fittingChanges } from '../writes/fitting-changes.js';
import { answerOf, checkOptions, written, type WriteOptions } from '../writes/write-request.js';
import type { LoadCallDeps } from './load-status.js';
import { checkSourceName } from './rename-source.js';
import { requestOfPart } from './request-of-part.js';

export interface RemoveSourceInput extends WriteOptions {
  /** The name that it has. */
  readonly name: string;
  readonly servers: SourceServers;
}

/** What became of the servers of a removed source, or would. */
export interface RemovedSource {
  readonly deletedCount: number;
  readonly keptCount: number;
}

/** So many servers are looked at for one commit. */
const PAGE_SIZE = 500;

/**
 * Removes the private source of a tenant, in as few commits as hold what becomes of its
 * servers; the first one ends all loads from it. Repeating completes what was interrupted,
 * and answers what all commits under the request id did.
 */
export async function removePrivateSource(
  deps: LoadCallDeps,
  context: RequestContext,
  input: RemoveSourceInput,
): Promise<Answer<RemovedSource>> {
  checkOptions(input);
  checkSourceName(input.name, 'name');
  const tenant = await deps.tenants.get(context.tenant);
  const removal: Removal = { deps, tenant, context, input };
  const all: Change[] = [];
  let outcome = await removePart(removal, 0);
  for (let part = 1; outcome.kind === 'committed'; part += 1) {
    all.push(...outcome.commit.changes);
    // Asked for more, a repeated request would concern what came later.
    if (isRemoved(outcome.commit)) break;
    outcome = await removePart(removal, part);
  }
  const isPlan = outcome.kind === 'unchanged' && outcome.decision !== undefined;
  const value = isPlan ? await planOf(removal) : countsOf(all);
  return answerOf(tenant, outcome, value);
}

interface Removal {
  readonly deps: LoadCallDeps;
  readonly tenant: Tenant;
  readonly context: RequestContext;
  readonly input: RemoveSourceInput;
}

/** One commit of a removal. */
function removePart(removal: Removal, part: number): Promise<WriteOutcome> {
  const { tenant, context, input } = removal;
  const common = written('remove-source', context, input);
  let page: SourcePage | undefined;
  return tenant.committer.submit({
    ...common,
    ...requestOfPart('remove-source', common.request, part),
    prepare: async (call) => {
      page = await readPage(removal, { call });
      return () => undefined;
    },
    basis: () =>
      page && { revision: page.revision, ids: page.servers.map(({ record }) => record.id) },
    decide: (at) => {
      if (page === undefined) throw new Error('decided before it was prepared');
      return decideRemoveSource(at, input, { page, fits: fittingChanges });
    },
  });
}

/** The next servers of the source, as of where the tenant is by now or later. */
async function readPage(
  { deps, tenant }: Removal,
  { afterId = '', call }: { readonly afterId?: string; readonly call: CallOptions },
): Promise<SourcePage> {
  const { log } = tenant;
  const namespace = log.privateSource()?.namespace ?? '';
  const { from, value } = await deps.catalog.projections.serversOfPrivateSource(
    log.tenant,
    { namespace, afterId, limit: PAGE_SIZE },
    { ...call, atLeast: log.position.revision },
  );
  return { servers: value, revision: from, isLast: value.length < PAGE_SIZE };
}

/** What a removal would do: all of it, in whatever number of commits. */
async function planOf(removal: Removal): Promise<RemovedSource> {
  const call = { signal: removal.context.signal };
  let count = 0;
  let afterId = '';
  for (;;) {
    const { servers, isLast } = await readPage(removal, { afterId, call });
    count += servers.length;
    afterId = servers.at(-1)?.record.id ?? afterId;
    if (isLast) break;
  }
  const isDrop = removal.input.servers === 'drop';
  return { deletedCount: isDrop ? count : 0, keptCount: isDrop ? 0 : count };
}

function countsOf(changes: readonly Change[]): RemovedSource {
  const deletedCount = changes.filter(({ after }) => after === undefined).length;
  return { deletedCount, keptCount: changes.length - deletedCount };
}
