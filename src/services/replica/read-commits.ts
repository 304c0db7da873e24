import { follows, positionOf, type StoredCommit } from '../../domain/commit.js';
import { SwitchboardError } from '../../domain/errors.js';
import type { CallOptions } from '../../storage/call-options.js';
import type { Catalog } from '../../storage/catalog.js';
import { logDamaged } from './follow.js';

/**
 * Commits of the log after a revision before its head, at least one, each verified to continue
 * the one before: what was applied once may have been damaged since. Throws CATALOG_UNAVAILABLE
 * if they do not, or are no longer there.
 */
export async function readCommits(
  { tenant, catalog }: { readonly tenant: string; readonly catalog: Pick<Catalog, 'log'> },
  after: number,
  options: CallOptions,
): Promise<readonly StoredCommit[]> {
  const { commits, head, mark } = await catalog.log.read(tenant, after, options);
  let place = await catalog.log.positionAt(tenant, after, options);
  if (place === undefined || mark > after || head.revision <= after) {
    const text = `the log no longer has what follows revision ${String(after)}`;
    throw new SwitchboardError('CATALOG_UNAVAILABLE', text, { retryDelayMs: 1_000 });
  }
  for (const commit of commits) {
    if (!follows(place, commit)) throw logDamaged(place.revision);
    place = positionOf(place.epoch, commit);
  }
  if (commits.length === 0) throw logDamaged(after);
  return commits;
}
