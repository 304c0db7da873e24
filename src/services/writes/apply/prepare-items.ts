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
 * Brings in the servers that the items are about, with their grants if they were moved, and reads
 * which servers new shared ones would hide.
 */
export async function prepareItems(
  { tenant, catalog, aboutIds, input }: ApplyJob,
  placed: PlacedItems,
  call: CallOptions,
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
    const declared = items.flatMap((item) => ('declared' in item ? [item.declared] : []));
    const isAsked = input.policy === 'fail' || input.validateOnly;
    const names = await readNames(
      { ...call, log, catalog },
      {
        followed: declared.map(({ name }) => name),
        shared: isAsked ? declared.filter(isShared).map(({ name }) => name) : [],
      },
    );
    return { names, release };
  } catch (error) {
    release();
    throw error;
  }
}
