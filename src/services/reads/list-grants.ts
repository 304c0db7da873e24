import { digestText } from '../../domain/digest.js';
import { SwitchboardError } from '../../domain/errors.js';
import type { Grant, ServerRecord } from '../../domain/server.js';
import { MAX_GRANTS } from '../../domain/subjects.js';
import { placeOf, readCursor, writeCursor } from './page-cursor.js';
import { pastState } from '../replica/past-state.js';
import { notFound, readableTenant, type ReadDeps } from './get-server.js';
import { pageLimitOf, validateId, type Answer, type RequestContext } from '../request.js';

export interface GrantsQuery {
  readonly id: string;
  /** 0 for the default of 1000; at most 10,000. */
  readonly pageSize: number;
  readonly pageToken: string;
  /** A token; empty for none. */
  readonly atLeast: string;
}

export interface GrantsPage {
  /** The server, as all pages of the list are of one revision. */
  readonly record: ServerRecord;
  /** Ordered by subject. */
  readonly grants: readonly Grant[];
  /** On all pages. */
  readonly totalCount: number;
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

const PAGE_SIZES = { usual: 1_000, most: MAX_GRANTS };
/** What the subjects of a page may come to, in UTF-16 units; clients take 4 MB by default. */
const PAGE_CHARACTERS = 1024 * 1024;

/** Who has access to a server beside its owner; nobody to a shared one. For administrators. */
export async function listGrants(
  deps: ReadDeps,
  context: RequestContext,
  { id, pageSize, pageToken, atLeast }: GrantsQuery,
): Promise<Answer<GrantsPage>> {
  validateId(id, 'id');
  const limit = pageLimitOf(pageSize, PAGE_SIZES);
  const digest = digestText('grants', id);
  const cursor = readCursor(context.tenant, pageToken, digest);
  const { log, upstream } = await readableTenant(deps, context, atLeast);
  const release = await log.holdRecords([id], { signal: context.signal });
  try {
    const position =
      cursor === undefined
        ? log.position
        : await placeOf({ log, catalog: deps.catalog, signal: context.signal }, cursor);
    const state = pastState(log, position.revision);
    if (state === undefined) throw new SwitchboardError('PAGE_EXPIRED');
    const server = state.byId(id);
    if (server === undefined) throw notFound({ id });
    const { record } = server;
    const rest = server.grants.filter(({ subject }) => subject > (cursor?.last ?? ''));
    const grants = firstPage(rest, limit);
    const last = grants.length < rest.length ? grants.at(-1)?.subject : undefined;
    const nextPageToken =
      last === undefined ? '' : writeCursor(log.tenant, { position, last, digest });
    const value = { record, grants, totalCount: server.grants.length, nextPageToken };
    return { value, position, upstream: upstream.status() };
  } finally {
    release();
  }
}

/** At most `limit`, and as many as fit in one answer; at least one, if there is any. */
function firstPage(grants: readonly Grant[], limit: number): readonly Grant[] {
  let size = 0;
  const isTooMuch = ({ subject }: Grant, index: number): boolean => {
    size += subject.length;
    return index >= limit || (index > 0 && size > PAGE_CHARACTERS);
  };
  const end = grants.findIndex(isTooMuch);
  return end < 0 ? grants : grants.slice(0, end);
}
