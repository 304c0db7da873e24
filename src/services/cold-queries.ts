import type { StoredServer } from '../domain/server.js';
import { isTombstone, type Catalog, type Projected } from '../storage/catalog.js';

const PAGE_SIZE = 1_000;

/** One server as records to admit: none if it does not exist (any more). */
export async function queryRecord(
  catalog: Catalog,
  tenant: string,
  id: string,
): Promise<Projected<readonly StoredServer[]>> {
  const { revision, value } = await catalog.serverById(tenant, id);
  return { revision, value: value === undefined || isTombstone(value) ? [] : [value] };
}

/**
 * Every server of a tenant, with the revision of the first page: those of later pages may
 * be newer, which their stamps tell.
 */
export async function queryInventory(
  catalog: Catalog,
  tenant: string,
): Promise<Projected<readonly StoredServer[]>> {
  const all: StoredServer[] = [];
  let revision = Number.POSITIVE_INFINITY;
  let afterId = '';
  for (;;) {
    const page = await catalog.inventory(tenant, { afterId, limit: PAGE_SIZE });
    revision = Math.min(revision, page.revision);
    all.push(...page.value);
    const last = page.value.at(-1);
    if (last === undefined) return { revision, value: all };
    afterId = last.record.id;
  }
}
