import type { Change, Position } from '../../domain/commit.js';
import { SwitchboardError } from '../../domain/errors.js';
import type { CallOptions } from '../../storage/call-options.js';
import type { Catalog } from '../../storage/catalog.js';
import type { Projected, ProjectionOptions } from '../../storage/projections.js';
import type { TenantState } from './tenant-state.js';

export interface ExactSource extends CallOptions {
  readonly log: TenantState;
  readonly catalog: Catalog;
}

export interface ExactRead<T> {
  readonly query: (options: ProjectionOptions) => Promise<Projected<T>>;
  /** Whether a change would change what the query returned. */
  readonly concerns: (change: Change, value: T) => boolean;
}

/** What a query returns at exactly one place, which the state has reached. */
export interface ExactResult<T> {
  readonly position: Position;
  readonly value: T;
}

/** A query is made so often before its result is taken to change too fast. */
const MAX_TRIES = 16;

/**
 * Reads a projection as it was at one place of the log, not before what the state shows: where
 * the result reflects a range, the log has to say that nothing between its ends concerns it, or
 * it is read again at the newer end. Throws CATALOG_UNAVAILABLE if that never ends.
 */
export async function readExactly<T>(
  source: ExactSource,
  { query, concerns }: ExactRead<T>,
): Promise<ExactResult<T>> {
  const { log, catalog: _, ...options } = source;
  let atLeast = log.position.revision;
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const { from, to, value } = await query({ ...options, atLeast });
    await log.catchUp(to, options);
    const changes = await changesBetween(source, { from, to }, options);
    if (changes?.some((change) => concerns(change, value)) === false) {
      const position = await placeAt(source, to, options);
      if (position !== undefined) return { position, value };
    }
    atLeast = to;
  }
  throw new SwitchboardError('CATALOG_UNAVAILABLE', 'the requested records keep changing', {
    retryDelayMs: 1_000,
  });
}

/** The changes after `from` up to `to`; undefined if the log no longer has them. */
async function changesBetween(
  { log, catalog }: ExactSource,
  { from, to }: { readonly from: number; readonly to: number },
  options: CallOptions,
): Promise<readonly Change[] | undefined> {
  const changes: Change[] = [];
  let at = from;
  while (at < to) {
    const commits =
      log.recent.after(at) ?? (await catalog.log.read(log.tenant, at, options)).commits;
    if (commits.length === 0) return undefined;
    for (const commit of commits) {
      if (commit.revision <= to) changes.push(...commit.changes);
      at = commit.revision;
    }
  }
  return changes;
}

async function placeAt(
  { log, catalog }: ExactSource,
  revision: number,
  options: CallOptions,
): Promise<Position | undefined> {
  if (revision === log.position.revision) return log.position;
  const commit = log.recent.at(revision);
  if (commit === undefined) return catalog.log.positionAt(log.tenant, revision, options);
  const { epoch } = log.position;
  return { epoch, revision, fingerprint: commit.fingerprint };
}
