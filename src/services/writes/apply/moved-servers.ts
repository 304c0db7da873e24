import { nameKey, type CheckedItem } from '../../../domain/commands/apply.js';
import { holderOf, nameOf } from '../../../domain/commands/decide.js';
import type { StoredServer } from '../../../domain/server.js';
import type { Tenant } from '../../tenants.js';
import { holdOwners } from '../write-request.js';
import { ownersOf } from './owners.js';

/** The members of a set, sorted by whether an item is about them. */
export interface SortedMembers {
  /** By item: the server that it is about, or was about before somebody moved it. */
  readonly aboutIds: readonly (string | undefined)[];
  /** The members that no item is about. */
  readonly rest: readonly StoredServer[];
}

/**
 * Finds out which members of a set were moved away from what its items declare. Whoever is there
 * now may be moved before the item is decided, so it is noted too.
 */
export async function sortMembers(
  tenant: Tenant,
  members: readonly StoredServer[],
  { items, signal }: { readonly items: readonly CheckedItem[]; readonly signal: AbortSignal },
): Promise<SortedMembers> {
  const moved = new Map<string, string>();
  for (const { record } of members) {
    if (record.moved !== undefined) moved.set(nameKey(nameOf(record.moved.from)), record.id);
  }
  const release = await holdOwners(tenant, ownersOf(items), { signal });
  const holders = items.map(({ at }) => holderOf(tenant.log, at)?.record.id);
  release();
  const aboutIds = items.map(({ at }, index) => holders[index] ?? moved.get(nameKey(at)));
  const about = new Set(aboutIds);
  return { aboutIds, rest: members.filter(({ record }) => !about.has(record.id)) };
}
