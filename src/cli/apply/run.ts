import { isSwitchboardError, type SwitchboardError } from '../../domain/errors.js';
import type { ApplyAnswer } from '../../wire/client/apply.js';
import type { RegistryClient } from '../../wire/client/registry-client.js';
import type { RepeatOptions } from '../repeat.js';
import type { ApplyOptions } from './options.js';
import type { PlannedSet } from './plan.js';
import { takeStep } from './request.js';

/** What became of one server, with its JSON. */
type AppliedResult = ApplyAnswer['results'][number];

/** What became of a set. */
export interface Outcome {
  /** One for each server of the set; undefined: it was not sent, or its answer never came. */
  readonly results: readonly (AppliedResult | undefined)[];
  /** Those that were deleted or left, once that is known. */
  readonly surplus: readonly AppliedResult[];
  /** The newest answer; undefined if there was none. */
  readonly answer: ApplyAnswer | undefined;
  /** What ended it too early. */
  readonly failure: SwitchboardError | undefined;
  /** Whether it was stopped before its end. */
  readonly stopped: boolean;
}

/** What surrounds the applying of one set. */
export interface ApplyRun {
  readonly client: RegistryClient;
  readonly options: ApplyOptions;
  /** Request ids are made from it, so it differs from set to set and from run to run. */
  readonly runId: string;
  readonly repeat: RepeatOptions;
  /** Told how many servers were done so far. */
  readonly onProgress: (done: number) => void;
}

/** Some servers of a set, by their places in it. */
interface Step {
  readonly first: number;
  readonly end: number;
  /** The last one, which holds the whole set so that the others can be deleted. */
  readonly prune: boolean;
}

/** The fewest servers in a step, if there are so many. */
const STEP_SIZE = 100;
/** Every answer also lists what its step does not have: few steps for a large set. */
const MAX_STEPS = 20;

/**
 * Does what the plan says: in steps, so that there is progress to see and a point to stop at,
 * and deletes in the last one. With `--all-or-nothing` there is one step. A server that
 * moved since the plan was made is refused.
 */
export async function applySet(run: ApplyRun, planned: PlannedSet): Promise<Outcome> {
  const { set, plan, etags } = planned;
  const { servers } = set.read;
  const results: (AppliedResult | undefined)[] = servers.map(() => undefined);
  let answer: ApplyAnswer | undefined;
  let surplus: readonly AppliedResult[] = [];
  const ended = (how: Partial<Outcome> = {}): Outcome => {
    return { results, surplus, answer, failure: undefined, stopped: false, ...how };
  };

  const steps = stepsOf(run.options, planned);
  for (const [number, { first, end, prune }] of steps.entries()) {
    if (run.repeat.signal.aborted) return ended({ stopped: true });
    const step = servers.slice(first, end).map((server, offset) => {
      // What an earlier step changed has moved on since the plan.
      const etag = writtenEtag(results[first + offset]) ?? etags[first + offset] ?? '';
      return { server, etag };
    });
    const requestId = `${run.runId}.${String(number)}`;
    try {
      answer = await takeStep({ ...run, set }, { servers: step, prune, requestId }, run.repeat);
    } catch (error) {
      if (!isSwitchboardError(error)) throw error;
      return ended({ failure: error });
    }
    for (const [offset, result] of answer.results.slice(0, step.length).entries()) {
      results[first + offset] ??= result;
    }
    if (step.length === servers.length) surplus = answer.results.slice(step.length);
    run.onProgress(end);
  }
  if (!steps.some(({ first, end }) => end - first === servers.length)) {
    surplus = plan.results.slice(servers.length);
  }
  return ended();
}

function writtenEtag(result: AppliedResult | undefined): string | undefined {
  return result?.action === 'refused' ? undefined : result?.server?.etag;
}

function stepsOf({ allOrNothing }: ApplyOptions, { set, plan }: PlannedSet): readonly Step[] {
  const count = set.read.servers.length;
  // What was not planned is not deleted.
  const prune = set.prune && plan.results.some(({ action }) => action === 'deleted');
  const size = Math.max(STEP_SIZE, Math.ceil(count / MAX_STEPS));
  if (allOrNothing || count <= size) return [{ first: 0, end: count, prune }];
  const steps: Step[] = [];
  for (let first = 0; first < count; first += size) {
    steps.push({ first, end: Math.min(first + size, count), prune: false });
  }
  return prune ? [...steps, { first: 0, end: count, prune }] : steps;
}
