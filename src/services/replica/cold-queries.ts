import type { LoadRecord } from '../../domain/load-record.js';
import type { StoredServer } from '../../domain/server.js';
import { usersAmong, type Subject } from '../../domain/view.js';
import type { CallOptions } from '../../storage/call-options.js';
import type { Catalog } from '../../storage/catalog.js';
import {
  isTombstone,
  type PrivateServer,
  type Projected,
  type ProjectionOptions,
} from '../../storage/projections.js';

const PAGE_SIZE = 1_000;

/** What a cold read found, and what of the log it reflects, as `Projected` says. */
export interface Found {
  readonly from: number;
  readonly to: number;
  readonly servers: readonly PrivateServer[];
  readonly loads: readonly LoadRecord[];
}

/** Where a cold read reads. */
export interface ColdSource {
  readonly tenant: string;
  readonly catalog: Catalog;
}

/** All APP and USER servers. */
export async function queryShared(
  { tenant, catalog }: ColdSource,
  options: CallOptions,
): Promise<Found> {
  return serversIn(await catalog.projections.sharedServers(tenant, options));
}

/** The private servers of subjects and, of the users among them, the load records. */
export async function querySubjects(
  { tenant, catalog: { projections } }: ColdSource,
  subjects: readonly Subject[],
  options: CallOptions,
): Promise<Found> {
  const users = usersAmong(subjects);
  const [servers, loads] = await Promise.all([
    projections.privateServers(tenant, subjects, options),
    users.length === 0 ? undefined : projections.loadRecords(tenant, users, options),
  ]);
  return {
    from: Math.min(servers.from, loads?.from ?? servers.from),
    to: Math.max(servers.to, loads?.to ?? servers.to),
    servers: servers.value,
    loads: loads?.value ?? [],
  };
}

/** Servers by their ids, with all grants; those that do not exist (any more) are left out. */
export async function queryRecords(
  { tenant, catalog }: ColdSource,
  ids: readonly string[],
  options: ProjectionOptions,
): Promise<Found> {
  const { from, to, value } = await catalog.projections.serversById(tenant, ids, options);
  const servers = value.flatMap((server) =>
    server === undefined || isTombstone(server) ? [] : [server],
  );
  return serversIn({ from, to, value: servers });
}

/** Every server of a tenant, read page by page, each of its own revision. */
export async function queryInventory(
  { tenant, catalog }: ColdSource,
  options: CallOptions,
): Promise<Found> {
  const pages: Found[] = [];
  let afterId = '';
  for (;;) {
    const query = { afterId, limit: PAGE_SIZE };
    const page = await catalog.projections.inventory(tenant, query, options);
    pages.push(serversIn(page));
    const last = page.value.at(-1);
    if (last === undefined) break;
    afterId = last.record.id;
  }
  return {
    from: Math.min(...pages.map(({ from }) => from)),
    to: Math.max(...pages.map(({ to }) => to)),
    servers: pages.flatMap(({ servers }) => servers),
    loads: [],
  };
}

function serversIn({ from, to, value }: Projected<readonly StoredServer[]>): Found {
  const servers = value.map(({ record, grants }) => ({ record, grants, isPartial: false }));
  return { from, to, servers, loads: [] };
}
