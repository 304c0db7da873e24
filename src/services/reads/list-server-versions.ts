import { SwitchboardError } from '../../domain/errors.js';
import type { ServerVersion } from '../../domain/server.js';
import { changedId } from '../../domain/commit.js';
import { readExactly, type ExactRead } from '../replica/exact-read.js';
import { readableTenant, type ReadDeps } from './get-server.js';
import { readVersionCursor, writeVersionCursor } from './page-cursor.js';
import { pageLimitOf, validateId, type Answer, type RequestContext } from '../request.js';

export interface VersionsQuery {
  readonly id: string;
  /** 0 for the default of 100; at most 1000. */
  readonly pageSize: number;
  readonly pageToken: string;
}

/** A version and what it followed. */
export interface VersionStep {
  readonly version: ServerVersion;
  /** The version before; undefined for the first. */
  readonly previous: ServerVersion | undefined;
}

export interface VersionPage {
  /** The newest first. */
  readonly steps: readonly VersionStep[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/**
 * Every version of a server, also of a deleted one. Versions never change, so pages fit
 * together whatever is added meanwhile.
 */
export async function listServerVersions(
  deps: ReadDeps,
  context: RequestContext,
  { id, pageSize, pageToken }: VersionsQuery,
): Promise<Answer<VersionPage>> {
  validateId(id, 'id');
  const limit = pageLimitOf(pageSize);
  const before = readVersionCursor(id, pageToken);
  const { catalog } = deps;
  const { log, upstream } = await readableTenant(deps, context, '');
  // One more: what the last one of the page followed, and whether there is a next page.
  const query = { id, limit: limit + 1, ...(before === undefined ? {} : { before }) };
  const read: ExactRead<readonly ServerVersion[]> = {
    query: (options) => catalog.projections.versions(log.tenant, query, options),
    concerns: (change) => changedId(change) === id,
  };
  const { position, value } = await readExactly({ log, catalog, signal: context.signal }, read);
  if (value.length === 0 && before === undefined)
    throw new SwitchboardError('SERVER_NOT_FOUND', undefined, { metadata: { id } });
  const versions = value.slice(0, limit);
  const last = versions.at(-1);
  const isLast = value.length <= limit || last === undefined;
  const page = {
    steps: versions.map((version, index) => ({ version, previous: value[index + 1] })),
    nextPageToken: isLast ? '' : writeVersionCursor(id, last.generation),
  };
  return { value: page, position, upstream: upstream.status() };
}
