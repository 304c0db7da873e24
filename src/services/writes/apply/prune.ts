import { decidePrune } from '../../../domain/commands/apply.js';
import type { Change, Position } from '../../../domain/commit.js';
import { isSwitchboardError } from '../../../domain/errors.js';
import type { ServerRecord } from '../../../domain/server.js';
import type { WriteOutcome } from '../../commit/committer.js';
import { fittingChanges } from '../fitting-changes.js';
import { holdAll } from '../write-request.js';
import { requestForPrune, type ApplyJob } from './apply-job.js';
import { refused, resultOfChange, type ApplyResult } from './apply-result.js';

/** What was deleted, and the newest place that it depends on. */
interface Pruned {
  readonly results: readonly ApplyResult[];
  readonly position: Position | undefined;
}

/**
 * Deletes the servers of the source that the set does not have, in as few commits as hold
 * them, one after the other. Their requests are numbered: a repetition finds each of them,
 * and so what was deleted, though it is no longer among the servers of the source.
 */
export async function prune(job: ApplyJob): Promise<Pruned> {
  const { tenant, input, surplus, written } = job;
  if (!input.prune) return { results: [], position: undefined };
  let doomed = surplus.doomed;
  const results: ApplyResult[] = [];
  let position: Position | undefined;
  let release: (() => void) | undefined;
  const hold = async (): Promise<() => void> => {
    release ??= await holdAll(doomed.map(({ id }) => tenant.log.holdRecord(id)));
    return () => undefined;
  };
  try {
    // With a request, also what an earlier try has deleted is to be told.
    for (let n = 0; doomed.length > 0 || written.request !== undefined; n += 1) {
      const outcome = await deleteSome(job, doomed, { n, hold });
      position = outcome.position;
      if (outcome.kind !== 'committed') break;
      results.push(...outcome.commit.changes.map(resultOfChange));
      doomed = without(doomed, outcome.commit.changes);
    }
  } catch (error) {
    if (!isSwitchboardError(error)) throw error;
    results.push(...doomed.map((record) => refused(error, record)));
  } finally {
    release?.();
  }
  return { results, position };
}

function deleteSome(
  job: ApplyJob,
  doomed: readonly ServerRecord[],
  { n, hold }: { readonly n: number; readonly hold: () => Promise<() => void> },
): Promise<WriteOutcome> {
  const { tenant, written, isSurplus } = job;
  const request = requestForPrune(job, n);
  const ids = doomed.map(({ id }) => id);
  return tenant.committer.submit({
    ...written,
    ...(request === undefined ? {} : { request }),
    prepare: hold,
    decide: ({ state }) => {
      const changes = fittingChanges(decidePrune(state, ids, isSurplus));
      return changes.length === 0 ? undefined : { cause: 'APPLY', changes };
    },
  });
}

function without(
  records: readonly ServerRecord[],
  changes: readonly Change[],
): readonly ServerRecord[] {
  const gone = new Set(changes.map(({ before }) => before?.id));
  return records.filter(({ id }) => !gone.has(id));
}
