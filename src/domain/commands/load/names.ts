import { SwitchboardError } from '../../errors.js';
import { holderOf, nameOf } from '../decide.js';
import type { StateIndex } from '../../resolve.js';
import type { Declaration } from '../../server.js';

/**
 * The declarations that cannot have their names, by server id: another server of the
 * owner has it and keeps it. A server that the load deletes, renames or gives to another
 * owner gives its name free, unless its own change is refused here too.
 */
export function refusedNames(
  state: StateIndex,
  accepted: ReadonlyMap<string, Declaration>,
  deleted: ReadonlySet<string>,
): ReadonlyMap<string, SwitchboardError> {
  const refused = new Map<string, SwitchboardError>();
  const keepsName = (holder: string, { name, owner }: Declaration): boolean => {
    if (deleted.has(holder)) return false;
    const next = refused.has(holder) ? undefined : accepted.get(holder);
    return next === undefined || (next.name === name && next.owner === owner);
  };
  // A refusal keeps a name taken, which may refuse another: until nothing more is refused.
  for (let found = -1; found !== refused.size;) {
    found = refused.size;
    for (const [id, declared] of accepted) {
      if (refused.has(id)) continue;
      const holder = holderOf(state, nameOf(declared));
      if (holder === undefined || holder.record.id === id) continue;
      if (!keepsName(holder.record.id, declared)) continue;
      refused.set(
        id,
        new SwitchboardError(
          'NAME_TAKEN',
          `the owner has a server ${holder.record.id} of the name`,
        ),
      );
    }
  }
  return refused;
}
