import { samePosition, type Position } from '../../domain/commit.js';
import { SwitchboardError } from '../../domain/errors.js';
import type { CallOptions } from '../../storage/call-options.js';
import type { Catalog } from '../../storage/catalog.js';
import type { LogSlice } from '../../storage/log.js';
import type { History, Step } from './history.js';

/** Why the log cannot be followed from where a history is. */
export type Loss = 'too_old' | 'epoch_changed' | 'history_differs';

export interface FollowedLog {
  readonly tenant: string;
  readonly catalog: Catalog;
  readonly tell: (step: Step) => void;
}

/**
 * Reads the log until the history is at a head that the Catalog confirmed after the call.
 * Returns why it cannot get there, if the log is not the one that the history is of.
 */
export async function readOn(
  history: History,
  { tenant, catalog, tell }: FollowedLog,
  options: CallOptions,
): Promise<Loss | undefined> {
  for (;;) {
    const from = history.position;
    const slice = await catalog.log.read(tenant, from.revision, options);
    const loss = lossOf(from, slice);
    if (loss !== undefined) return loss;
    const fits = history.advance(slice.commits, tell);
    const reached = history.position;
    if (reached.revision >= slice.head.revision) return undefined;
    // A slice without the next commit fits nowhere either: it would be read again without end.
    if (fits && reached.revision > from.revision) continue;
    const place = await catalog.log.positionAt(tenant, reached.revision, options);
    if (place === undefined || !samePosition(place, reached)) return 'history_differs';
    throw logDamaged(reached.revision);
  }
}

/** What follows a revision in the log is not what was appended there. */
export function logDamaged(revision: number): SwitchboardError {
  const text = `the log is damaged after revision ${String(revision)}: restore it`;
  return new SwitchboardError('CATALOG_UNAVAILABLE', text, { retryDelayMs: 60_000 });
}

/** What a slice that was read from a position tells of that position. */
function lossOf(from: Position, { head, commits, mark }: LogSlice): Loss | undefined {
  if (head.epoch !== from.epoch) return 'epoch_changed';
  if (head.revision < from.revision) return 'history_differs';
  if (head.revision === from.revision)
    return head.fingerprint === from.fingerprint ? undefined : 'history_differs';
  return commits.length === 0 && mark > from.revision ? 'too_old' : undefined;
}
