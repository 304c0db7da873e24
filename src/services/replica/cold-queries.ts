import type { LoadRecord } from '../../domain/load-record.js';
import type { StoredServer } from '../../domain/server.js';
import { usersAmong, type Subject } from '../../domain/view.js';
import { isTombstone, type Catalog, type Projected } from '../../storage/catalog.js';

const PAGE_SIZE = 1_000;

/** What a cold read found; the revision beside it is the oldest that a part of it reflects. */
export interface Found {
  readonly servers: readonly StoredServer[];
  readonly loads: readonly LoadRecord[];
  /** The newest that a part of it reflects: what was gone by then has no stamp to tell so. */
  readonly newest: number;
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
  return {
    revision: Math.min(servers.revision, loads.revision),
    value: {
      servers: servers.value,
      loads: loads.value,
      newest: Math.max(servers.revision, loads.revision),
    },
  };
}

/** One server as records to admit: none if it does not exist (any more). */
export async function queryRecord(
  catalog: Catalog,
  tenant: string,
  id: string,
): Promise<Projected<Found>> {
  const { revision, value } = await catalog.serverById(tenant, id);
  const servers = value === undefined || isTombstone(value) ? [] : [value];
  return { revision, value: { servers, loads: [], newest: revision } };
}

/** Every server of a tenant, read page by page, each of its own revision. */
export async function queryInventory(catalog: Catalog, tenant: string): Promise<Projected<Found>> {
  const all: StoredServer[] = [];
  let revision = Number.POSITIVE_INFINITY;
  let newest = 0;
  let afterId = '';
  for (;;) {
    const page = await catalog.inventory(tenant, { afterId, limit: PAGE_SIZE });
    revision = Math.min(revision, page.revision);
    newest = Math.max(newest, page.revision);
    all.push(...page.value);
    const last = page.value.at(-1);
    if (last === undefined) return { revision, value: { servers: all, loads: [], newest } };
    afterId = last.record.id;
  }
}
