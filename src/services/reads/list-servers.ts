import { canonicalJson, digestText } from '../../domain/digest.js';
import { SwitchboardError } from '../../domain/errors.js';
import { changedId, type Position } from '../../domain/commit.js';
import { listResolved } from '../../domain/resolve.js';
import type { StoredServer, Tier } from '../../domain/server.js';
import { viewKey, type ReaderView, type View } from '../../domain/view.js';
import { countFitting } from './answer-size.js';
import { placeOf, readCursor, writeCursor, type Cursor } from './page-cursor.js';
import { pastState } from '../replica/past-state.js';
import { holdView } from '../private-loads/hold-view.js';
import { readableTenant, type ReadDeps } from './get-server.js';
import {
  authorizeView,
  pageLimitOf,
  validateView,
  type Answer,
  type RequestContext,
} from '../request.js';
import { readExactly, type ExactRead } from '../replica/exact-read.js';
import type { TenantState } from '../replica/tenant-state.js';
import type { Tenant } from '../tenants.js';

/** What is set must all hold. */
export interface ServerFilter {
  readonly tiers: readonly Tier[];
  readonly namePrefix: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly enabled?: boolean;
}

export interface ListQuery {
  readonly view: View;
  /** 0 for the default of 100; at most 1000. */
  readonly pageSize: number;
  readonly pageToken: string;
  readonly filter: ServerFilter;
  readonly atLeast: string;
}

export interface ServerPage {
  readonly servers: readonly StoredServer[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/**
 * What `getServer` finds by name in the view, ordered by name, all pages of one revision;
 * in the inventory every record, ordered by id, each page of its own revision (rule 10).
 */
export async function listServers(
  deps: ReadDeps,
  context: RequestContext,
  query: ListQuery,
): Promise<Answer<ServerPage>> {
  const { view } = query;
  authorizeView(context, view);
  validateView(view, 'view');
  const limit = pageLimitOf(query.pageSize);
  const cursor = readCursor(context.tenant, query.pageToken, queryDigest(query));
  const tenant = await readableTenant(deps, context, query.atLeast);
  if (view.kind === 'inventory') {
    const { signal } = context;
    return listInventory(deps, tenant, { query, cursor, limit, signal });
  }
  // Held until the list is made: nothing of the view may cool down in between.
  const release = await holdView(deps.loads, { tenant, view }, context.signal);
  try {
    const { log } = tenant;
    const position =
      cursor === undefined
        ? log.position
        : await placeOf({ log, catalog: deps.catalog, signal: context.signal }, cursor);
    const page = resolvedPage({ query, cursor, limit }, view, { log, position });
    return { value: page, position, upstream: tenant.upstream.status() };
  } finally {
    release();
  }
}

interface PageQuery {
  readonly query: ListQuery;
  readonly cursor: Cursor | undefined;
  readonly limit: number;
}

function resolvedPage(
  { query, cursor, limit }: PageQuery,
  view: ReaderView,
  { log, position }: { readonly log: TenantState; readonly position: Position },
): ServerPage {
  const state = pastState(log, position.revision);
  if (state === undefined) throw new SwitchboardError('PAGE_EXPIRED');
  const matching = listResolved(state, view).filter(
    (server) =>
      fits(server, query.filter) && (cursor === undefined || server.record.name > cursor.last),
  );
  const servers = firstPage(matching, limit);
  const last = matching.length > servers.length ? servers.at(-1)?.record.name : undefined;
  const nextPageToken =
    last === undefined
      ? ''
      : writeCursor(log.tenant, { position, last, digest: queryDigest(query) });
  return { servers, nextPageToken };
}

async function listInventory(
  { catalog }: ReadDeps,
  { log, upstream }: Tenant,
  { query, cursor, limit, signal }: PageQuery & { readonly signal: AbortSignal },
): Promise<Answer<ServerPage>> {
  const afterId = cursor?.last ?? '';
  const read: ExactRead<readonly StoredServer[]> = {
    query: (options) => catalog.projections.inventory(log.tenant, { afterId, limit }, options),
    concerns: (change, page) => {
      const last = page.length < limit ? undefined : page.at(-1)?.record.id;
      return isBetween(changedId(change), { afterId, last });
    },
  };
  const { position, value } = await readExactly({ log, catalog, signal }, read);
  const shown = firstPage(value, limit);
  const isLast = value.length < limit && shown.length === value.length;
  const last = isLast ? undefined : shown.at(-1)?.record.id;
  const nextPageToken =
    last === undefined
      ? ''
      : writeCursor(log.tenant, { position, last, digest: queryDigest(query) });
  const servers = shown.filter((server) => fits(server, query.filter));
  return { value: { servers, nextPageToken }, position, upstream: upstream.status() };
}

/** Whether an id is on a page that begins after one and ends with another, or has no end. */
function isBetween(
  id: string,
  { afterId, last }: { readonly afterId: string; readonly last: string | undefined },
): boolean {
  const bytes = Buffer.from(id);
  if (bytes.compare(Buffer.from(afterId)) <= 0) return false;
  return last === undefined || bytes.compare(Buffer.from(last)) <= 0;
}

/** At most `limit`, and as many as fit in one answer; at least one, if there is any. */
function firstPage(servers: readonly StoredServer[], limit: number): readonly StoredServer[] {
  const most = servers.slice(0, limit);
  return most.slice(0, Math.max(1, countFitting(most)));
}

function fits({ record }: StoredServer, filter: ServerFilter): boolean {
  if (filter.tiers.length > 0 && !filter.tiers.includes(record.tier)) return false;
  if (!record.name.startsWith(filter.namePrefix)) return false;
  if (filter.enabled !== undefined && record.spec.enabled !== filter.enabled) return false;
  return Object.entries(filter.labels).every(
    ([key, value]) => Object.hasOwn(record.spec.labels, key) && record.spec.labels[key] === value,
  );
}

function queryDigest({ view, filter }: ListQuery): string {
  return digestText('page', viewKey(view), canonicalJson(filter));
}
