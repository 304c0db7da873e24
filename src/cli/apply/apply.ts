import { randomUUID } from 'node:crypto';
import type { ApplyResult } from '../../wire/client/apply.js';
import type { RegistryClient } from '../../wire/client/registry-client.js';
import type { Flags } from '../connection.js';
import { EXIT_CODES, exitCodeOf } from '../failure.js';
import { confirmed, confirmedLoss, type Io } from '../io.js';
import { takesAccess } from '../takes-access.js';
import { allWell, changing, countsOf, outcomeCounts } from './counts.js';
import { applyJson } from './json.js';
import { type ApplyOptions, applyOptions } from './options.js';
import { type PlannedSet, planSet } from './plan.js';
import { applySet, type Outcome } from './run.js';
import { type DeclaredSet, readSets } from './sets.js';
import { createTeller, type Teller } from './tell.js';

/** What all parts of the command share. */
interface Context {
  readonly client: RegistryClient;
  readonly options: ApplyOptions;
  readonly flags: Flags;
  readonly io: Io;
  readonly tell: Teller;
}

/** The sets, and what became of those that got so far. */
interface Work {
  readonly sets: readonly DeclaredSet[];
  readonly plans: readonly PlannedSet[];
  /** By set. A set that is as declared already has none. */
  readonly outcomes: Map<DeclaredSet, Outcome>;
}

/**
 * `switchboard apply`: makes the registry what the files declare. Tells what is wrong in
 * them, shows what would be done, asks where somebody can be asked, does it, and tells what
 * was done. Answers the exit code.
 */
export async function apply(
  client: RegistryClient,
  files: readonly string[],
  { flags, io }: { readonly flags: Flags; readonly io: Io },
): Promise<number> {
  const options = applyOptions(files, flags);
  const context = { client, options, flags, io, tell: createTeller(io, options) };
  const sets = await readSets(files, options, io);
  for (const set of sets) context.tell.reading(set);
  const plans: PlannedSet[] = [];
  for (const set of sets.filter(({ broken }) => !broken)) {
    plans.push(await planSet(client, set, options));
  }
  for (const plan of plans) context.tell.plan(plan);
  const work: Work = { sets, plans, outcomes: new Map() };
  const consent = await mayApply(context, work);
  if (consent === 'yes') await applyAll(context, work);
  if (options.json) io.out(applyJson(work));
  return consent === 'declined' ? EXIT_CODES.failed : exitCode(work);
}

/** Whether there is something to do that may be done. Tells why not. */
async function mayApply(
  { options, flags, io, tell }: Context,
  { sets, plans }: Work,
): Promise<'yes' | 'no' | 'declined'> {
  const counts = plans.map(({ set, plan }) => countsOf(set, plan.results));
  const isWrong = sets.some(({ read }) => read.problems.length > 0) || !counts.every(allWell);
  if (options.dryRun) {
    tell.end('Dry run: nothing was changed.');
    return 'no';
  }
  if (options.allOrNothing && isWrong) {
    tell.end('Nothing was changed: --all-or-nothing is set, and not everything is valid.');
    return 'no';
  }
  if (!counts.some((count) => changing(count) > 0)) {
    tell.end('Nothing to change.');
    return 'no';
  }
  const takesAway = plans.some(({ plan }) => plan.results.some(isLoss));
  const ask = takesAway ? confirmedLoss : confirmed;
  if (await ask(io, 'Apply these changes?', flags)) return 'yes';
  tell.end('Nothing was changed.');
  return 'declined';
}

function isLoss({ action, changes, shadowed }: ApplyResult): boolean {
  return action === 'deleted' || shadowed > 0 || (action === 'updated' && takesAccess(changes));
}

/** Applies set by set, until all are done, one fails as a whole, or Ctrl-C. */
async function applyAll(
  { client, options, io, tell }: Context,
  { plans, outcomes }: Work,
): Promise<void> {
  const runId = randomUUID();
  for (const [number, planned] of plans.entries()) {
    const { set, plan } = planned;
    if (changing(countsOf(set, plan.results)) === 0) continue;
    const outcome = await applySet(
      {
        client,
        options,
        runId: `${runId}.${String(number)}`,
        repeat: {
          signal: io.signal,
          onWait: (error, waitMs) => {
            tell.waiting(error, waitMs);
          },
        },
        onProgress: (done) => {
          tell.progress(set, done);
        },
      },
      planned,
    );
    outcomes.set(set, outcome);
    tell.outcome(planned, outcome);
    if (outcome.stopped || outcome.failure !== undefined) return;
  }
}

function exitCode({ sets, plans, outcomes }: Work): number {
  for (const { failure } of outcomes.values()) {
    if (failure !== undefined) return exitCodeOf(failure);
  }
  const counts = plans.map(({ set, plan }) => {
    const outcome = outcomes.get(set);
    return outcome === undefined ? countsOf(set, plan.results) : outcomeCounts(set, outcome);
  });
  const isWell =
    counts.every(allWell) &&
    ![...outcomes.values()].some(({ stopped }) => stopped) &&
    sets.every(({ read }) => read.problems.length === 0);
  return isWell ? EXIT_CODES.ok : EXIT_CODES.failed;
}
