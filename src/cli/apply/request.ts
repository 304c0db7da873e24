import { isSwitchboardError, type SwitchboardError } from '../../domain/errors.js';
import type { AppliedServer, ApplyAnswer, ApplyResult } from '../../wire/client/apply.js';
import type { RegistryClient } from '../../wire/client/registry-client.js';
import { mayPass, repeatWrite, type RepeatOptions } from '../repeat.js';
import type { ApplyOptions } from './options.js';
import type { DeclaredSet } from './sets.js';

/** What would be done for a set. Writes nothing. */
export function askPlan(
  client: RegistryClient,
  set: DeclaredSet,
  options: ApplyOptions,
): Promise<ApplyAnswer> {
  return client.applyServers({
    ...commonOf(set, options),
    servers: set.read.servers.map((server) => ({ server, etag: '' })),
    prune: set.prune,
    requestId: '',
    validateOnly: true,
  });
}

/** One step of applying a set. */
export interface ApplyStep {
  readonly servers: readonly AppliedServer[];
  readonly prune: boolean;
  /** Makes repeating safe: the same for the same step. */
  readonly requestId: string;
}

/**
 * Takes one step, again and again until each of its servers has an answer. Throws when the
 * outcome of the whole step stays unknown.
 */
export async function takeStep(
  { client, set, options }: { client: RegistryClient; set: DeclaredSet; options: ApplyOptions },
  step: ApplyStep,
  repeat: RepeatOptions,
): Promise<ApplyAnswer> {
  const write = { ...commonOf(set, options), ...step, validateOnly: false };
  let partial: ApplyAnswer | undefined;
  try {
    return await repeatWrite(async () => {
      const answer = await client.applyServers(write);
      partial = answer;
      const undecided = answer.results.map(refusalOf).find(mayPass);
      if (undecided !== undefined) throw undecided;
      return answer;
    }, repeat);
  } catch (error) {
    if (partial !== undefined && isSwitchboardError(error)) return partial;
    throw error;
  }
}

/** Why an item was refused; undefined if it was not. */
export function refusalOf({ action, error }: ApplyResult): SwitchboardError | undefined {
  return action === 'refused' ? error : undefined;
}

/** What all requests of a set say. */
function commonOf({ name: set }: DeclaredSet, options: ApplyOptions) {
  const { allOrNothing, takeOver, policy, reason } = options;
  return { set, allOrNothing, takeOver, policy, reason };
}
