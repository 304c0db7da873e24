import type { LoadRecord } from '../../domain/load-record.js';
import type { StoredServer } from '../../domain/server.js';
import { usersAmong, type Subject } from '../../domain/view.js';
import type { Catalog } from '../../storage/catalog.js';
import { isTombstone, type PrivateServer, type Projected } from '../../storage/projections.js';

const PAGE_SIZE = 1_000;

/** What a cold read found; beside it stands what every part of it reflects. */
export interface Found {
  readonly servers: readonly PrivateServer[];
  readonly loads: readonly LoadRecord[];
}

/** The private servers of subjects and, of the users among them, the load records. */
export async function querySubjects(
  catalog: Catalog,
  tenant: string,
  subjects: readonly Subject[],
): Promise<Projected<Found>> {
  const [servers, loads] = await Promise.all([
    catalog.projections.privateServers(tenant, subjects),
    catalog.projections.loadRecords(tenant, usersAmong(subjects)),
  ]);
  return {
    from: Math.min(servers.from, loads.from),
    to: Math.max(servers.to, loads.to),
    value: { servers: servers.value, loads: loads.value },
  };
}

/** One server as records to admit: none if it does not exist (any more). */
export async function queryRecord(
  catalog: Catalog,
  tenant: string,
  id: string,
): Promise<Projected<Found>> {
  const { from, to, value } = await catalog.projections.serversById(tenant, [id]);
  const servers = value.flatMap((server) =>
    server === undefined || isTombstone(server) ? [] : [complete(server)],
  );
  return { from, to, value: { servers, loads: [] } };
}

/** Every server of a tenant, read page by page, each of its own revision. */
export async function queryInventory(catalog: Catalog, tenant: string): Promise<Projected<Found>> {
  const all: PrivateServer[] = [];
  let from = Number.POSITIVE_INFINITY;
  let to = 0;
  let afterId = '';
  for (;;) {
    const page = await catalog.projections.inventory(tenant, { afterId, limit: PAGE_SIZE });
    from = Math.min(from, page.from);
    to = Math.max(to, page.to);
    all.push(...page.value.map(complete));
    const last = page.value.at(-1);
    if (last === undefined) return { from, to, value: { servers: all, loads: [] } };
    afterId = last.record.id;
  }
}

function complete(server: StoredServer): PrivateServer {
  return { ...server, isPartial: false };
}
