import type { CheckedItem } from '../../../domain/commands/apply.js';
import { holderOf } from '../../../domain/commands/decide.js';
import { isShared } from '../../../domain/server.js';
import type { CallOptions } from '../../../storage/call-options.js';
import { readNames, type NamesRead } from '../shadow-policy.js';
import { holdOwners } from '../write-request.js';
import type { ApplyJob } from './apply-job.js';
import { ownersOf } from './owners.js';

/** What items are decided on besides the state, until it is released. */
interface PreparedItems {
  readonly names: NamesRead;
  readonly release: () => void;
}

/** By the places of their items in the set. */
type PlacedItems = ReadonlyMap<number, CheckedItem>;

/**
 * Reads which servers new shared ones of the items would hide. For a whole set at once, in several
 * turns of the event loop: what each item needs is in it.
 */
export function readItemNames(
  { tenant: { log }, catalog, input }: ApplyJob,
  items: readonly CheckedItem[],
  call: CallOptions,
): Promise<NamesRead> {
  const declared = items.flatMap((item) => ('declared' in item ? [item.declared] : []));
  const isAsked = input.policy === 'fail' || input.validateOnly;
  return readNames(
    { ...call, log, catalog },
    {
      followed: declared.map(({ name }) => name),
      shared: isAsked ? declared.filter(isShared).map(({ name }) => name) : [],
    },
  );
}

/**
 * Brings in the servers that the items are about, with their grants if they were moved, and the
 * names that `read` reads after that.
 */
export async function prepareItems(
  { tenant, aboutIds }: ApplyJob,
  placed: PlacedItems,
  { call, read }: { readonly call: CallOptions; readonly read: () => Promise<NamesRead> },
): Promise<PreparedItems> {
  const { log } = tenant;
  const items = [...placed.values()];
  const owned = await holdOwners(tenant, ownersOf(items), call);
  let release = owned;
  try {
    const moved = [...placed].flatMap(([index, { at }]) =>
      holderOf(log, at) === undefined ? (aboutIds[index] ?? []) : [],
    );
    const grants = await log.holdRecords(moved, call);
    release = () => {
      grants();
      owned();
    };
    return { names: await read(), release };
  } catch (error) {
    release();
    throw error;
  }
}
