import type { LoadRecord } from '../../domain/load-record.js';
import type { StoredServer } from '../../domain/server.js';
import { usersAmong, type Subject } from '../../domain/view.js';
import {
  isTombstone,
  type CallOptions,
  type Catalog,
  type Projected,
} from '../../storage/catalog.js';

const PAGE_SIZE = 1_000;
/** The most subjects or ids of one query. */
export const MAX_KEYS = 500;

/**
 * What a cold read found: everything up to `from` is in it and nothing after `to`; of the commits
 * between them it has some and lacks others.
 */
export interface Found {
  readonly from: number;
  readonly to: number;
  readonly servers: readonly StoredServer[];
  readonly loads: readonly LoadRecord[];
}

/** Where a cold read reads. */
export interface ColdSource {
  readonly tenant: string;
  readonly catalog: Catalog;
}

const NOTHING: Found = { from: Number.POSITIVE_INFINITY, to: 0, servers: [], loads: [] };

/** The private servers of subjects and, of the users among them, the load records. */
export async function querySubjects(
  { tenant, catalog }: ColdSource,
  subjects: readonly Subject[],
  options: CallOptions,
): Promise<Found> {
  const users = usersAmong(subjects);
  const [servers, loads] = await Promise.all([
    catalog.privateServers(tenant, subjects, options),
    users.length === 0 ? undefined : catalog.loadRecords(tenant, users, options),
  ]);
  return joined([serversIn(servers), loads === undefined ? NOTHING : loadsIn(loads)]);
}

/** Servers by their ids; those that do not exist (any more) are left out. */
export async function queryRecords(
  { tenant, catalog }: ColdSource,
  ids: readonly string[],
  options: CallOptions,
): Promise<Found> {
  const found = await Promise.all(ids.map((id) => catalog.serverById(tenant, id, options)));
  return joined(
    found.map(({ revision, value }) => {
      const servers = value === undefined || isTombstone(value) ? [] : [value];
      return serversIn({ revision, value: servers });
    }),
  );
}

/** Every server of a tenant, read page by page, each of its own revision. */
export async function queryInventory(
  { tenant, catalog }: ColdSource,
  options: CallOptions,
): Promise<Found> {
  const pages: Found[] = [];
  let afterId = '';
  for (;;) {
    const page = await catalog.inventory(tenant, { afterId, limit: PAGE_SIZE }, options);
    pages.push(serversIn(page));
    const last = page.value.at(-1);
    if (last === undefined) return joined(pages);
    afterId = last.record.id;
  }
}

/** The shared servers, and what is held besides. */
export async function queryHeld(
  source: ColdSource,
  held: { readonly subjects: readonly Subject[]; readonly ids: readonly string[] | 'all' },
  options: CallOptions,
): Promise<Found> {
  const { subjects, ids } = held;
  const { tenant, catalog } = source;
  const parts = [serversIn(await catalog.sharedServers(tenant, options))];
  for (const slice of slices(subjects)) parts.push(await querySubjects(source, slice, options));
  if (ids === 'all') parts.push(await queryInventory(source, options));
  else for (const slice of slices(ids)) parts.push(await queryRecords(source, slice, options));
  return joined(parts);
}

/** So many keys at once as a query takes. */
function* slices<K>(keys: readonly K[]): Iterable<readonly K[]> {
  for (let from = 0; from < keys.length; from += MAX_KEYS) yield keys.slice(from, from + MAX_KEYS);
}

function serversIn({ revision, value }: Projected<readonly StoredServer[]>): Found {
  const to = value.reduce((most, { record }) => Math.max(most, record.revision), revision);
  return { from: revision, to, servers: value, loads: [] };
}

function loadsIn({ revision, value }: Projected<readonly LoadRecord[]>): Found {
  const to = value.reduce((most, load) => Math.max(most, load.revision), revision);
  return { from: revision, to, servers: [], loads: value };
}

function joined(parts: readonly Found[]): Found {
  return {
    from: Math.min(...parts.map(({ from }) => from)),
    to: Math.max(...parts.map(({ to }) => to)),
    servers: parts.flatMap(({ servers }) => servers),
    loads: parts.flatMap(({ loads }) => loads),
  };
}
