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
import { prepareItems, readItemNames } from './prepare-items.js';
import { prune } from './prune.js';

type ItemChange = Extract<ItemOutcome, { kind: 'change' }>;

/** What became of one item; the place that it depends on, unless nothing was decided. */
interface Done {
  readonly result: ApplyResult;
  readonly position: Position | undefined;
}

/** So many items are given to the committer at once. */
const ITEMS_AT_ONCE = 1_000;

/**
 * Each item by itself, in a commit of its own: many of them are given to the committer at
 * once, which appends them together. What the set does not have is deleted after that.
 */
export async function applyEach(job: ApplyJob): Promise<Applied> {
  const items: Done[] = [];
  while (items.length < job.items.length) {
    const begin = items.length;
    const some = job.items.slice(begin, begin + ITEMS_AT_ONCE);
    const reading = readItemNames(job, some, { signal: job.written.signal });
    // Each item tries again by itself, and is refused by itself.
    const first = await reading.catch(() => undefined);
    const done = some.map(async (item, offset) =>
      applyOrRepeat(job, item, { index: begin + offset, first }),
    );
    items.push(...(await Promise.all(done)));
  }
  const { results, position } = await prune(job);
  const left = job.surplus.left.map((record): ApplyResult => ({ action: 'left', record }));
  return {
    results: [...items.map(({ result }) => result), ...[...left, ...results].sort(byRecord)],
    applied: true,
    position: newest([...items.map((item) => item.position), position]) ?? job.tenant.log.position,
  };
}

/** What an earlier request did with the item, or found that there is nothing to do; else done now. */
function applyOrRepeat(
  job: ApplyJob,
  item: CheckedItem,
  { index, first }: Pick<ItemWork, 'index' | 'first'>,
): Done | Promise<Done> {
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
  return applyItem(job, item, { index, first, request, begun });
}

interface ItemWork {
  /** The place of the item. */
  readonly index: number;
  /** The names of the items that are applied at once, for the first try. */
  readonly first: NamesRead | undefined;
  readonly request: RequestKey | undefined;
  /** Of a repetition: the change that the earlier request did not come to. */
  readonly begun: ItemChange | undefined;
}

async function applyItem(
  job: ApplyJob,
  item: CheckedItem,
  { index, first, request, begun }: ItemWork,
): Promise<Done> {
  const { tenant, written } = job;
  let decided: ItemOutcome | undefined;
  let names: NamesRead | undefined;
  try {
    const outcome = await tenant.committer.submit({
      ...written,
      ...(request === undefined ? {} : { request }),
      prepare: async (call) => {
        const isFirst = names === undefined;
        const read = async (): Promise<NamesRead> =>
          isFirst && first !== undefined ? of(item, first) : readItemNames(job, [item], call);
        const prepared = await prepareItems(job, new Map([[index, item]]), { call, read });
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

/** What was read for many items, as far as this one depends on it. */
function of({ at }: CheckedItem, { named, basis: { revision } }: NamesRead): NamesRead {
  return { named, basis: { names: new Set([at.name]), revision } };
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
