import { decideItem, type CheckedItem, type ItemOutcome } from '../../../domain/commands/apply.js';
import { etagMismatch } from '../../../domain/commands/decide.js';
import { positionOf, type Commit, type Position, type RequestKey } from '../../../domain/commit.js';
import { isSwitchboardError } from '../../../domain/errors.js';
import type { NamesRead } from '../shadow-policy.js';
import { requestForItem, ruleOf, type ApplyJob } from './apply-job.js';
import {
  byRecord,
  refused,
  resultOfChange,
  resultOfIdle,
  type Applied,
  type ApplyResult,
} from './apply-result.js';
import { prepareItems } from './prepare-items.js';
import { prune } from './prune.js';

type ItemChange = Extract<ItemOutcome, { kind: 'change' }>;

/** What became of one item; the place that it depends on, unless nothing was decided. */
interface Done {
  readonly result: ApplyResult;
  readonly position: Position | undefined;
}

/**
 * Each item by itself, in a commit of its own: all of them are given to the committer at
 * once, which appends them together. What the set does not have is deleted after that.
 */
export async function applyEach(job: ApplyJob): Promise<Applied> {
  const items = await Promise.all(
    job.items.map(async (item, index) => applyOrRepeat(job, item, index)),
  );
  const { results, position } = await prune(job);
  const left = job.surplus.left.map((record): ApplyResult => ({ action: 'left', record }));
  return {
    results: [...items.map(({ result }) => result), ...[...left, ...results].sort(byRecord)],
    applied: true,
    position: newest([...items.map((item) => item.position), position]) ?? job.tenant.log.position,
  };
}

/** What an earlier request did with the item, or found that there is nothing to do; else done now. */
function applyOrRepeat(job: ApplyJob, item: CheckedItem, index: number): Done | Promise<Done> {
  // One that cannot be decided writes nothing, and another one may have its name.
  const request = 'refusal' in item ? undefined : requestForItem(job.written, item.at);
  const commit = job.earlier?.commits.get(request?.requestId ?? '');
  if (commit !== undefined) {
    const { epoch } = job.tenant.log.position;
    return { result: resultOfCommit(commit), position: positionOf(epoch, commit) };
  }
  const begun = job.earlier?.outcomes[index];
  if (begun !== undefined && begun.kind !== 'change')
    return { result: resultOfIdle(begun), position: undefined };
  return applyItem(job, item, { index, request, begun });
}

interface ItemWork {
  /** The place of the item. */
  readonly index: number;
  readonly request: RequestKey | undefined;
  /** Of a repetition: the change that the earlier request did not come to. */
  readonly begun: ItemChange | undefined;
}

async function applyItem(
  job: ApplyJob,
  item: CheckedItem,
  { index, request, begun }: ItemWork,
): Promise<Done> {
  const { tenant, written } = job;
  let decided: ItemOutcome | undefined;
  let names: NamesRead | undefined;
  try {
    const outcome = await tenant.committer.submit({
      ...written,
      ...(request === undefined ? {} : { request }),
      prepare: async (call) => {
        const prepared = await prepareItems(job, new Map([[index, item]]), call);
        names = prepared.names;
        return prepared.release;
      },
      basis: () => names?.basis,
      decide: (at) => {
        decided = decideItem(at, item, ruleOf(job, index, names?.named));
        if (begun !== undefined) decided = demandAsBegun(decided, begun);
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

/** A repetition completes what was begun, and undoes nothing that came later (rule 13). */
function demandAsBegun(decided: ItemOutcome, begun: ItemChange): ItemOutcome {
  if (decided.kind !== 'change') return decided;
  const record = decided.change.before;
  if (record?.etag === begun.change.before?.etag) return decided;
  return { kind: 'refused', refusal: etagMismatch(record ?? { id: '', etag: '' }), record };
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
