import type { AccessChange } from '../../commit.js';
import type { StateIndex } from '../../resolve.js';
import { grantTo, type Grant, type StoredServer } from '../../server.js';
import { userSubject, type Subject } from '../../view.js';

/** A user's own grants on PRIVATE servers: the revision of each, by server id. */
export function grantsOf(
  state: Pick<StateIndex, 'privateOf'>,
  user: string,
): ReadonlyMap<string, number> {
  const subject = userSubject(user);
  const grants = new Map<string, number>();
  for (const server of state.privateOf(subject)) {
    const grant = grantTo(server, subject);
    if (grant !== undefined) grants.set(server.record.id, grant.revision);
  }
  return grants;
}

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
