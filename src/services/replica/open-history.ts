import { SwitchboardError } from '../../domain/errors.js';
import type { CallOptions } from '../../storage/call-options.js';
import type { AdmittingState } from './admission.js';
import { queryShared, type ColdSource } from './cold-queries.js';
import { readOn } from './follow.js';
import { History } from './history.js';
import type { Holds } from './holds.js';
import { Joins } from './joins.js';
import type { RecentBudget } from './recent-budget.js';
import { RecentCommits } from './recent-commits.js';

/** How a history is opened. */
export interface OpeningSource extends ColdSource {
  readonly holds: Holds;
  readonly recentCommits: number;
  /** What the recent commits of all tenants share. */
  readonly budget: RecentBudget;
}

/**
 * The history that the log has now, up to a head that the Catalog confirmed after the call, with
 * the private source, the shared records and all that is held. Throws CATALOG_UNAVAILABLE if the
 * log does not stand still long enough to be opened.
 */
export async function openHistory(source: OpeningSource, options: CallOptions): Promise<History> {
  const { tenant, catalog, holds, recentCommits, budget } = source;
  const [shared, privateSource] = await Promise.all([
    queryShared(source, options),
    catalog.projections.privateSource(tenant, options),
  ]);
  const from = Math.min(shared.from, privateSource.from);
  const position = await catalog.log.positionAt(tenant, from, options);
  if (position === undefined) throw logMoved();
  const history = new History(position, holds, new RecentCommits(recentCommits, { budget }));
  for (const server of shared.servers) history.records.put(server);
  if (privateSource.value !== undefined) history.records.putSource(privateSource.value);
  const state = opening(history, source);
  // Some are ahead of that place, some that were gone later are missing, and all of them may be
  // old: the log levels them, and alone says where it ends.
  await readToEnd(history, source, options);
  await state.catchUp(Math.max(shared.to, privateSource.to), options);
  const joins = new Joins(state, source);
  await joins.subjects(holds.subjects.keys());
  await joins.records(holds.ids.keys());
  if (holds.inventories.size > 0) await joins.inventory();
  return history;
}

/** A history that nobody sees yet, as what records can join. */
function opening(history: History, source: ColdSource): AdmittingState {
  return {
    history,
    async catchUp(revision, options) {
      if (history.position.revision >= revision) return;
      await readToEnd(history, source, options);
      if (history.position.revision < revision) throw logMoved();
    },
  };
}

async function readToEnd(
  history: History,
  { tenant, catalog }: ColdSource,
  options: CallOptions,
): Promise<void> {
  const loss = await readOn(history, { tenant, catalog, tell: () => undefined }, options);
  if (loss !== undefined) throw logMoved();
}

function logMoved(): SwitchboardError {
  return new SwitchboardError('CATALOG_UNAVAILABLE', 'the log moved while it was opened');
}
