import type { LoadRecord } from '../domain/load-record.js';
import type { StoredServer } from '../domain/server.js';
import { usersAmong, type Subject } from '../domain/view.js';
import { isTombstone, type Catalog, type Projected } from '../storage/catalog.js';

const PAGE_SIZE = 1_000;

/** What a cold read found. */
export interface Found {
  readonly servers: readonly StoredServer[];
  readonly loads: readonly LoadRecord[];
}

/** The private servers of subjects and, of the users among them, the load records. */
export async function querySubjects(
  catalog: Catalog,
  tenant: string,
  subjects: readonly Subject[],
): Promise<Projected<Found>> {
  const [servers, loads] = await Promise.all([
    catalog.privateServers(tenant, subjects),
    catalog.loadRecords(tenant, usersAmong(subjects)),
  ]);
  // The older of the two: what the other one has that is newer tells so by its stamp.
  const revision = Math.min(servers.revision, loads.revision);
  return { revision, value: { servers: servers.value, loads: loads.value } };
}

/** One server as records to admit: none if it does not exist (any more). */
export async function queryRecord(
  catalog: Catalog,
  tenant: string,
  id: string,
): Promise<Projected<Found>> {
  const { revision, value } = await catalog.serverById(tenant, id);
  const servers = value === undefined || isTombstone(value) ? [] : [value];
  return { revision, value: { servers, loads: [] } };
}

/**
 * Every server of a tenant, with the revision of the first page: those of later pages may
 * be newer, which their stamps tell.
 */
export async function queryInventory(catalog: Catalog, tenant: string): Promise<Projected<Found>> {
  const all: StoredServer[] = [];
  let revision = Number.POSITIVE_INFINITY;
  let afterId = '';
  for (;;) {
    const page = await catalog.inventory(tenant, { afterId, limit: PAGE_SIZE });
    revision = Math.min(revision, page.revision);
    all.push(...page.value);
    const last = page.value.at(-1);
    if (last === undefined) return { revision, value: { servers: all, loads: [] } };
    afterId = last.record.id;
  }
}
