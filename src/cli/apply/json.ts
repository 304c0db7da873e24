import { jsonLine } from '../text.js';
import { countsOf, outcomeCounts } from './counts.js';
import type { PlannedSet } from './plan.js';
import type { Outcome } from './run.js';
import type { DeclaredSet } from './sets.js';

/**
 * The one JSON document that `switchboard apply --json` prints. `plan` is null for a file of
 * which nothing could be read; `outcome` is null if nothing had to be, or was to be, applied.
 */
export function applyJson({
  sets,
  plans,
  outcomes,
}: {
  readonly sets: readonly DeclaredSet[];
  readonly plans: readonly PlannedSet[];
  readonly outcomes: ReadonlyMap<DeclaredSet, Outcome>;
}): string {
  const files = sets.map((set) => {
    const { file, name, read, warnings, prune } = set;
    const { format, problems, losses } = read;
    const plan = plans.find((planned) => planned.set === set)?.plan;
    const outcome = outcomes.get(set);
    const counts =
      outcome === undefined ? countsOf(set, plan?.results ?? []) : outcomeCounts(set, outcome);
    return {
      file,
      set: name,
      format: format ?? null,
      prune,
      problems,
      losses,
      warnings,
      counts,
      plan: plan?.toJSON() ?? null,
      outcome: outcome === undefined ? null : outcomeJson(outcome),
    };
  });
  return jsonLine({ files });
}

function outcomeJson({ results, surplus, answer, failure, stopped }: Outcome): object {
  const known = [...results, ...surplus].filter((result) => result !== undefined);
  return {
    ...answer?.toJSON(),
    // Proto JSON has no empty lists.
    ...(known.length === 0 ? {} : { results: known }),
    stopped,
    error: failure === undefined ? null : { reason: failure.reason, message: failure.message },
  };
}
