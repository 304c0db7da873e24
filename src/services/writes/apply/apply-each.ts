import { decideItem, type CheckedItem, type ItemOutcome } from '../../../domain/commands/apply.js';
import { positionOf, type Commit, type Position, type RequestKey } from '../../../domain/commit.js';
import { isSwitchboardError } from '../../../domain/errors.js';
import { holdOwners } from '../write-request.js';
import { ownersOf, requestForItem, type ApplyJob } from './apply-job.js';
import {
  byRecord,
  refused,
  resultOfChange,
  resultOfIdle,
  type Applied,
  type ApplyResult,
} from './apply-result.js';
import { prune } from './prune.js';

/** What became of one item; the place that it depends on, unless nothing was decided. */
interface Done {
  readonly result: ApplyResult;
  readonly position: Position | undefined;
}

/**
 * Each item by itself, in a commit of its own: all of them are given to the committer at
 * once, which appends them together. What the set does not have is deleted after that.
 * `earlier` are commits that the request has made before, by the ids of their requests.
 */
export async function applyEach(
  job: ApplyJob,
  earlier: ReadonlyMap<string, Commit>,
): Promise<Applied> {
  const { epoch } = job.tenant.log.position;
  const items = await Promise.all(
    job.items.map(async (item, index) => {
      // One that cannot be decided writes nothing, and another one may have its name.
      const request = 'refusal' in item ? undefined : requestForItem(job, item.at);
      const commit = earlier.get(request?.requestId ?? '');
      if (commit === undefined) return applyItem(job, item, { id: job.ids[index] ?? '', request });
      return { result: resultOfCommit(commit), position: positionOf(epoch, commit) };
    }),
  );
  const { results, position } = await prune(job);
  const left = job.surplus.left.map((record): ApplyResult => ({ action: 'left', record }));
  return {
    results: [...items.map(({ result }) => result), ...[...left, ...results].sort(byRecord)],
    applied: true,
    position: newest([...items.map((item) => item.position), position]) ?? job.tenant.log.position,
  };
}

async function applyItem(
  job: ApplyJob,
  item: CheckedItem,
  { id, request }: { readonly id: string; readonly request: RequestKey | undefined },
): Promise<Done> {
  const { tenant, input, written } = job;
  let decided: ItemOutcome | undefined;
  try {
    const outcome = await tenant.committer.submit({
      ...written,
      ...(request === undefined ? {} : { request }),
      prepare: () => holdOwners(tenant, ownersOf([item])),
      decide: (at) => {
        decided = decideItem(at, item, { id, takeOver: input.takeOver });
        return decided.kind === 'change'
          ? { cause: 'APPLY', changes: [decided.change] }
          : undefined;
      },
    });
    const { position } = outcome;
    if (outcome.kind === 'committed') return { result: resultOfCommit(outcome.commit), position };
    if (decided === undefined || decided.kind === 'change')
      throw new Error('an item without a decision');
    return { result: resultOfIdle(decided), position };
  } catch (error) {
    if (!isSwitchboardError(error)) throw error;
    // What is wrong with the item is so whether or not the log can be reached.
    const refusal = 'refusal' in item ? item.refusal : error;
    return { result: refused(refusal, recordBefore(decided)), position: undefined };
  }
}

function resultOfCommit({ changes: [change = {}] }: Commit): ApplyResult {
  return resultOfChange(change);
}

function recordBefore(decided: ItemOutcome | undefined): ApplyResult['record'] {
  return decided?.kind === 'change' ? decided.change.before : decided?.record;
}

function newest(positions: readonly (Position | undefined)[]): Position | undefined {
  return positions.reduce((a, b) => ((a?.revision ?? -1) < (b?.revision ?? -1) ? b : a), undefined);
}
