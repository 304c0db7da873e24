import type { RequestKey } from '../../domain/commit.js';
import { SwitchboardError } from '../../domain/errors.js';
import type { RecordedAnswer } from '../../domain/projection/project-commit.js';
import type { CallOptions } from '../../storage/call-options.js';
import type { Catalog } from '../../storage/catalog.js';
import { createBatches } from '../concurrency/batches.js';
import { withDeadline } from '../concurrency/deadline.js';
import { READ_MS } from '../replica/tenant-limits.js';
import type { TenantState } from '../replica/tenant-state.js';
import type { WriteOutcome } from './intent.js';
import { isCovered, repeatOf, type LookedUp } from './known-request.js';

/** A write that may be a repetition. */
export interface RepeatableWrite {
  readonly intent: { readonly request?: RequestKey };
  lookedUp: LookedUp | undefined;
  succeed(outcome: WriteOutcome): void;
  fail(error: unknown): void;
}

export interface RepeatsDeps {
  readonly log: TenantState;
  readonly catalog: Catalog;
}

const BATCHES = { most: 500, atOnce: 4 };

/**
 * Returns what settles a write that repeats an earlier request, with the answer of that one.
 * Requests of one turn are looked up together, and again only if the recent commits no longer
 * tell what became of them since.
 */
export function createRepeats(deps: RepeatsDeps): (write: RepeatableWrite) => Promise<void> {
  const lookUp = createBatches<RepeatableWrite>(BATCHES, (writes) =>
    withDeadline(READ_MS, (call) => lookUpAll(deps, writes, call)),
  );
  return async (write) => {
    if (write.intent.request === undefined || isCovered(write.lookedUp, deps.log)) return;
    await lookUp([write]);
  };
}

async function lookUpAll(
  deps: RepeatsDeps,
  writes: readonly RepeatableWrite[],
  call: CallOptions,
): Promise<void> {
  const { log, catalog } = deps;
  const { recent, position } = log;
  const requests = writes.flatMap(({ intent: { request } }) => request ?? []);
  const options = { ...call, atLeast: position.revision };
  const { from, value } = await catalog.projections.answers(log.tenant, requests, options);
  await log.catchUp(Math.max(from, ...value.map((answer) => answer?.revision ?? 0)), call);
  await Promise.all(
    writes.map(async (write, index) => {
      const [request, answer] = [requests[index], value[index]];
      if (request === undefined || answer === undefined) {
        write.lookedUp = { revision: from, recent };
        return;
      }
      await readRepeat(deps, { request, answer }, call).then(
        (outcome) => {
          write.succeed(outcome);
        },
        (error: unknown) => {
          write.fail(error);
        },
      );
    }),
  );
}

/** What an earlier request was answered, from its commit. */
async function readRepeat(
  { log, catalog }: RepeatsDeps,
  { request, answer }: { readonly request: RequestKey; readonly answer: RecordedAnswer },
  call: CallOptions,
): Promise<WriteOutcome> {
  if (answer.bodyDigest !== request.bodyDigest) throw new SwitchboardError('REQUEST_ID_REUSED');
  const options = { ...call, limitBytes: 1 };
  const { commits } = await catalog.log.read(log.tenant, answer.revision - 1, options);
  const [commit] = commits;
  if (commit === undefined)
    throw new SwitchboardError('CATALOG_UNAVAILABLE', 'the answer was compacted');
  return repeatOf(commit, request, log.position.epoch);
}
