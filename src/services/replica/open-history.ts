import { SwitchboardError } from '../../domain/errors.js';
import type { CallOptions } from '../../storage/catalog.js';
import { queryHeld, type ColdSource } from './cold-queries.js';
import { readOn } from './follow.js';
import { History } from './history.js';
import type { Holds } from './holds.js';

/** How a history is opened. */
export interface OpeningSource extends ColdSource {
  readonly holds: Holds;
  readonly recentCommits: number;
}

/**
 * The history that the log has now, at its head, with the shared records and all that is held.
 * Throws CATALOG_UNAVAILABLE if the log does not stand still long enough to be opened.
 */
export async function openHistory(source: OpeningSource, options: CallOptions): Promise<History> {
  const { tenant, catalog, holds, recentCommits } = source;
  const subjects = holds.subjects.keys();
  const ids = holds.inventories.size > 0 ? 'all' : holds.ids.keys();
  const found = await queryHeld(source, { subjects, ids }, options);
  const position = await catalog.positionAt(tenant, found.from, options);
  if (position === undefined)
    throw new SwitchboardError('CATALOG_UNAVAILABLE', 'the log moved while it was opened');
  const history = new History(position, holds, recentCommits);
  history.records.warm.add(subjects);
  history.records.hasAll = ids === 'all';
  for (const server of found.servers) history.records.put(server);
  for (const load of found.loads) history.records.putLoad(load);
  // Some of them are ahead of that place, some that were gone later are missing: the log levels them.
  const loss = await readOn(history, { tenant, catalog, tell: () => undefined }, options);
  if (loss !== undefined || history.position.revision < found.to)
    throw new SwitchboardError('CATALOG_UNAVAILABLE', 'the log ends before what was read of it');
  return history;
}
