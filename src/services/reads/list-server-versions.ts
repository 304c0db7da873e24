import { SwitchboardError } from '../../domain/errors.js';
import type { AccessStep, ServerVersion } from '../../domain/server.js';
import { changedId } from '../../domain/commit.js';
import { readExactly, type ExactRead } from '../replica/exact-read.js';
import { readableTenant, type ReadDeps } from './get-server.js';
import { readHistoryCursor, writeHistoryCursor, type HistoryCursor } from './page-cursor.js';
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
  /** The changes of access in the same stretch of the log, the newest first. */
  readonly access: readonly AccessStep[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/** A page ends with the change of access with which it names so many subjects. */
const SUBJECTS_OF_PAGE = 5_000;

/**
 * Every version of a server and every change of access to it, also of a deleted one. Neither
 * ever changes, so pages fit together whatever is added meanwhile.
 */
export async function listServerVersions(
  deps: ReadDeps,
  context: RequestContext,
  { id, pageSize, pageToken }: VersionsQuery,
): Promise<Answer<VersionPage>> {
  validateId(id, 'id');
  const limit = pageLimitOf(pageSize);
  const before = readHistoryCursor(id, pageToken);
  const { catalog } = deps;
  const { log, upstream } = await readableTenant(deps, context, '');
  const read: ExactRead<History> = {
    query: async (options) => {
      const { projections } = catalog;
      // One more: what the last one of the page followed, and whether there is a next page.
      const query = { id, limit: limit + 1, subjects: SUBJECTS_OF_PAGE };
      const [versions, access] = await Promise.all([
        projections.versions(log.tenant, { ...query, ...ifSet(before?.generation) }, options),
        projections.accessSteps(log.tenant, { ...query, ...ifSet(before?.revision) }, options),
      ]);
      const value = { versions: versions.value, access: access.value };
      return {
        from: Math.min(versions.from, access.from),
        to: Math.max(versions.to, access.to),
        value,
      };
    },
    concerns: (change) => changedId(change) === id,
  };
  const { position, value } = await readExactly({ log, catalog, signal: context.signal }, read);
  if (value.versions.length === 0 && before === undefined)
    throw new SwitchboardError('SERVER_NOT_FOUND', undefined, { metadata: { id } });
  const page = pageOf(value, limit);
  const nextPageToken = page.isLast ? '' : writeHistoryCursor(id, cursorAfter(page, before));
  const steps = page.versions.map((version, index) => ({
    version,
    previous: value.versions[index + 1],
  }));
  return {
    value: { steps, access: page.access, nextPageToken },
    position,
    upstream: upstream.status(),
  };
}

function ifSet(before: number | undefined): { readonly before?: number } {
  return before === undefined ? {} : { before };
}

interface History {
  readonly versions: readonly ServerVersion[];
  readonly access: readonly AccessStep[];
}

/** The newest entries of what was read, at most `limit`, and whether nothing comes before them. */
function pageOf({ versions, access }: History, limit: number): History & { isLast: boolean } {
  const subjects = access.reduce((sum, step) => sum + step.granted.length + step.revoked.length, 0);
  // Not all of the changes may have been read: before the last one, others may be in between.
  const isCut = subjects >= SUBJECTS_OF_PAGE;
  const oldest = isCut ? (access.at(-1)?.revision ?? 0) : 0;
  const revisions = [...versions, ...access]
    .map(({ revision }) => revision)
    .filter((revision) => revision >= oldest)
    .sort((a, b) => b - a);
  // A version and a change of access of one commit stay together.
  const end = Math.max(oldest, revisions[limit - 1] ?? 0);
  const page = {
    versions: versions.slice(0, limit).filter(({ revision }) => revision >= end),
    access: access.slice(0, limit).filter(({ revision }) => revision >= end),
  };
  const isWhole = page.versions.length === versions.length && page.access.length === access.length;
  return { ...page, isLast: isWhole && !isCut };
}

function cursorAfter(
  { versions, access }: History,
  before: HistoryCursor | undefined,
): HistoryCursor {
  return {
    generation: versions.at(-1)?.generation ?? before?.generation,
    revision: access.at(-1)?.revision ?? before?.revision,
  };
}
