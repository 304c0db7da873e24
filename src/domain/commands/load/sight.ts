import type { AccessChange } from '../../commit.js';
import type { Grant, StoredServer } from '../../server.js';
import { userSubject, type Subject } from '../../view.js';

/**
 * How the grants of a server change when a load says who owns it: the user of the load
 * sees it afterwards, as the owner or by a grant, and nobody else's sight ends with that
 * (rule 24). Undefined if nothing changes.
 */
export function sightAfterLoad(
  server: StoredServer | undefined,
  { user, owner, revision }: { readonly user: string; readonly owner: string; revision: number },
): AccessChange | undefined {
  const grants = server?.grants ?? [];
  const wanted = new Set<Subject>(owner === user ? [] : [userSubject(user)]);
  const former = server?.record.owner;
  // A former owner keeps sight until a load of its own says otherwise.
  if (former !== undefined && former !== owner) wanted.add(userSubject(former));
  const held = new Set(grants.map(({ subject }) => subject));
  const granted = [...wanted]
    .filter((subject) => !held.has(subject))
    .map((subject): Grant => ({ subject, revision }));
  // An owner needs no grant.
  const revoked = grants.filter(({ subject }) => subject === userSubject(owner));
  return granted.length + revoked.length === 0 ? undefined : { granted, revoked };
}
