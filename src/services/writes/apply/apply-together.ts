import {
  decideItem,
  decidePrune,
  nameKey,
  type ItemOutcome,
} from '../../../domain/commands/apply.js';
import type { Change, Commit } from '../../../domain/commit.js';
import {
  holderOf,
  nameOf,
  type Decision,
  type DecisionContext,
} from '../../../domain/commands/decide.js';
import type { ShadowRule } from '../../../domain/commands/shadow.js';
import { readEarlierState } from '../earlier-state.js';
import type { NamesRead } from '../shadow-policy.js';
import { demandFits, holdAll, holdOwners } from '../write-request.js';
import { ruleOf, type ApplyJob } from './apply-job.js';
import {
  byRecord,
  heldBack,
  resultOfChange,
  resultOfCheck,
  resultOfIdle,
  type Applied,
  type ApplyResult,
} from './apply-result.js';
import { ownersOf } from './owners.js';
import { prepareItems, readItemNames } from './prepare-items.js';

/** The whole set as decided at one state. */
interface Decided {
  readonly items: readonly ItemOutcome[];
  readonly deletions: readonly Change[];
}

/**
 * The whole set in one commit; with all or nothing asked, in none if an item is refused.
 * Also how a set is only checked: then nothing is written either way.
 */
export async function applyTogether(job: ApplyJob): Promise<Applied> {
  const { tenant, input, surplus, prunedIds, items, written } = job;
  let decided: Decided = { items: [], deletions: [] };
  let names: NamesRead | undefined;
  const outcome = await tenant.committer.submit({
    ...written,
    prepare: async (call) => {
      const read = (): Promise<NamesRead> => readItemNames(job, items, call);
      const prepared = await prepareItems(job, new Map(items.entries()), { call, read });
      names = prepared.names;
      const pruned = tenant.log.holdRecords([...prunedIds], call);
      return holdAll([Promise.resolve(prepared.release), pruned]);
    },
    basis: () => names?.basis,
    decide: (at) => {
      decided = decideSet(at, job, names?.named);
      return isHeldBack(decided, job) ? undefined : decisionOf(decided);
    },
  });
  const { position } = outcome;
  const left = surplus.left.map((record): ApplyResult => ({ action: 'left', record }));
  if (outcome.kind === 'committed' && outcome.repeated) {
    const { own, deleted } = await resultsOfCommit(job, outcome.commit);
    return { results: [...own, ...[...left, ...deleted].sort(byRecord)], applied: true, position };
  }
  if (outcome.kind === 'unchanged' && input.allOrNothing) demandFits(outcome.decision);
  const isRefused = isHeldBack(decided, job);
  const told = isRefused ? heldBack : outcome.kind === 'committed' ? resultOfChange : resultOfCheck;
  const own = decided.items.map((item) =>
    item.kind === 'change' ? withHidden(told(item.change), item, input) : resultOfIdle(item),
  );
  const deleted = decided.deletions.map(told);
  const results = [...own, ...[...left, ...deleted].sort(byRecord)];
  return { results, applied: !isRefused, position };
}

/** No two items are about one name (see `checkSet`): none has to see what another one does. */
function decideSet(
  context: DecisionContext,
  job: ApplyJob,
  named: ShadowRule['named'] | undefined,
): Decided {
  const items = job.items.map((item, index) =>
    decideItem(context, item, ruleOf(job, index, named)),
  );
  const deletions = decidePrune(context.state, [...job.prunedIds], job.isSurplus);
  return { items, deletions };
}

function isHeldBack({ items }: Decided, { input }: ApplyJob): boolean {
  return input.allOrNothing && items.some(({ kind }) => kind === 'refused');
}

function decisionOf({ items, deletions }: Decided): Decision | undefined {
  const own = items.flatMap((item) => (item.kind === 'change' ? [item.change] : []));
  const changes = [...own, ...deletions];
  return changes.length === 0 ? undefined : { cause: 'APPLY', changes };
}

/** Of what is only checked, also how many private servers it would hide. */
function withHidden(
  result: ApplyResult,
  { hidden }: { readonly hidden: number },
  { validateOnly }: { readonly validateOnly: boolean },
): ApplyResult {
  return validateOnly && hidden > 0 ? { ...result, hidden } : result;
}

/** What a commit did for an earlier request that is repeated now. */
async function resultsOfCommit(
  { tenant, catalog, items, written: { signal } }: ApplyJob,
  { changes, revision }: Commit,
): Promise<{ readonly own: readonly ApplyResult[]; readonly deleted: readonly ApplyResult[] }> {
  const changed = new Map(
    changes.flatMap((change) => (change.after ? [[nameKey(nameOf(change.after)), change]] : [])),
  );
  const release = await holdOwners(tenant, ownersOf(items), { signal });
  try {
    const own = await readEarlierState(
      { log: tenant.log, catalog, signal },
      {
        revision: revision - 1,
        read: (past) =>
          items.map(({ at }): ApplyResult => {
            const change = changed.get(nameKey(at));
            if (change !== undefined) return resultOfChange(change);
            const record = holderOf(past, at)?.record;
            return { action: 'unchanged', ...(record === undefined ? {} : { record }) };
          }),
      },
    );
    const deletions = changes.filter(({ after }) => after === undefined);
    return { own, deleted: deletions.map(resultOfChange) };
  } finally {
    release();
  }
}
