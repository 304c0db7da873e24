import { decidePrune } from '../../../domain/commands/apply.js';
import type { Change, Position } from '../../../domain/commit.js';
import { etagMismatch } from '../../../domain/commands/decide.js';
import { isSwitchboardError } from '../../../domain/errors.js';
import type { ServerRecord } from '../../../domain/server.js';
import type { CallOptions } from '../../../storage/call-options.js';
import type { WriteIntent, WriteOutcome } from '../../commit/intent.js';
import { fittingChanges } from '../fitting-changes.js';
import { requestForPrune, type ApplyJob } from './apply-job.js';
import { refused, resultOfChange, type ApplyResult } from './apply-result.js';

/** What was deleted, and the newest place that it depends on. */
interface Pruned {
  readonly results: readonly ApplyResult[];
  readonly position: Position | undefined;
}

/**
 * Deletes the servers of the set that are not declared any more, in as few commits as hold
 * them, one after the other. Their requests are numbered: a repetition finds each of them,
 * and so what was deleted, though it is no longer among the servers of the set. A server
 * that was declared otherwise since the request began is refused.
 */
export async function prune(job: ApplyJob): Promise<Pruned> {
  const { tenant, input, surplus, written } = job;
  if (!input.prune) return { results: [], position: undefined };
  let rest = surplus.pruned;
  const results: ApplyResult[] = [];
  let position: Position | undefined;
  let release: (() => void) | undefined;
  const hold = async (call: CallOptions): Promise<() => void> => {
    const ids = rest.map(({ id }) => id);
    release ??= await tenant.log.holdRecords(ids, call);
    return () => undefined;
  };
  try {
    // With a request, also what an earlier try has deleted is to be told.
    for (let n = 0; rest.length > 0 || written.request !== undefined; n += 1) {
      const outcome = await deleteSome(job, rest, { n, hold });
      position = outcome.position;
      if (outcome.kind !== 'committed') break;
      results.push(...outcome.commit.changes.map(resultOfChange));
      rest = without(rest, outcome.commit.changes);
    }
    results.push(...rest.flatMap((record) => refusalOf(job, record)));
  } catch (error) {
    if (!isSwitchboardError(error)) throw error;
    results.push(...rest.map((record) => refused(error, record)));
  } finally {
    release?.();
  }
  return { results, position };
}

function deleteSome(
  job: ApplyJob,
  rest: readonly ServerRecord[],
  { n, hold }: { readonly n: number; readonly hold: WriteIntent['prepare'] },
): Promise<WriteOutcome> {
  const { tenant, written, isSurplus } = job;
  const request = requestForPrune(written, n);
  return tenant.committer.submit({
    ...written,
    ...(request === undefined ? {} : { request }),
    prepare: hold,
    decide: ({ state }) => {
      const same = rest.filter(({ id, etag }) => state.byId(id)?.record.etag === etag);
      const ids = same.map(({ id }) => id);
      const changes = fittingChanges(decidePrune(state, ids, isSurplus));
      return changes.length === 0 ? undefined : { cause: 'APPLY', changes };
    },
  });
}

/** Of a server that is there and still surplus, though it was to be deleted. */
function refusalOf({ tenant, isSurplus }: ApplyJob, { id }: ServerRecord): readonly ApplyResult[] {
  const record = tenant.log.byId(id)?.record;
  if (record === undefined || !isSurplus(record)) return [];
  return [refused(etagMismatch(record), record)];
}

function without(
  records: readonly ServerRecord[],
  changes: readonly Change[],
): readonly ServerRecord[] {
  const gone = new Set(changes.map(({ before }) => before?.id));
  return records.filter(({ id }) => !gone.has(id));
}
