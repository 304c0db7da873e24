import { ShadowPolicy } from '../../../generated/switchboard/v1/registry_service.js';
import { type Server, Tier } from '../../../generated/switchboard/v1/server.js';
import { canonicalJson, digestText } from '../../../src/domain/digest.js';
import {
  bodyOf,
  sendable,
  type SendableWrite,
  TIER_NAMES,
  USERS,
  type WriteSource,
} from './sendable.js';
import { serverOf, tokenOf } from '../grpc-admin/grpc-admin.js';
import {
  demoteServer,
  grantAccess,
  promoteServer,
  revokeAccess,
  setAccess,
} from '../grpc-admin/access.js';
import { loads } from '../loads/server.js';

/** A write about who may use a server. */
export function accessOrMove(
  source: WriteSource,
  requestId: string,
  server: Server,
): SendableWrite {
  if (server.tier !== Tier.TIER_PRIVATE) return demote(source, requestId, server);
  const kind = source.random.below(100);
  if (kind < 30) return grant(source, requestId, server);
  if (kind < 50) return setList(source, requestId, server);
  if (kind < 70) return revoke(source, requestId, server);
  return promote(source, requestId, server);
}

/** A write about one user; undefined if there is nobody whom it could be about. */
export function aboutUser(source: WriteSource, requestId: string): SendableWrite | undefined {
  const { random, guests = new Set<string>(), sourceUsers = [] } = source;
  if (sourceUsers.length > 0 && (guests.size === 0 || random.chance(50)))
    return invalidate(source, requestId);
  if (guests.size === 0) return undefined;
  const guest = random.pick([...guests]);
  // Once: who was purged and has nothing is no effect.
  guests.delete(guest);
  return purge(source, requestId, guest);
}

/** Somebody who gets something by this request, and nobody else by another. */
function newGuest({ guests }: WriteSource, requestId: string): string {
  const guest = `guest-${requestId}`;
  guests?.add(guest);
  return guest;
}

function grant(source: WriteSource, requestId: string, { id }: Server): SendableWrite {
  const { tenant } = source;
  const subject = `user:${newGuest(source, requestId)}`;
  const subjects = [subject, ...source.random.some(USERS).map((user) => `user:${user}`)];
  return sendable({
    tenant,
    requestId,
    what: `grant of ${id}`,
    isDelete: false,
    isDoneBy: ({ cause, changes: [change, ...rest] }) =>
      cause === 'ACCESS' &&
      rest.length === 0 &&
      change?.after?.id === id &&
      change.access?.revoked.length === 0 &&
      change.access.granted.some((granted) => granted.subject === subject),
    deliver: async (admin) => {
      const answer = await grantAccess(admin, { tenant, requestId, id, subjects });
      return {
        token: tokenOf(answer),
        body: bodyOf(answer, answer.added),
        server: serverOf(answer),
      };
    },
  });
}

function setList(source: WriteSource, requestId: string, server: Server): SendableWrite {
  const { tenant } = source;
  const { id, accessEtag } = server;
  const subject = `user:${newGuest(source, requestId)}`;
  const subjects = [subject, ...source.random.some(['group:dev', 'user:ana', 'user:cy'])];
  return sendable({
    tenant,
    requestId,
    what: `list of ${id}`,
    isDelete: false,
    isDoneBy: ({ cause, changes: [change, ...rest] }) =>
      cause === 'ACCESS' &&
      rest.length === 0 &&
      change?.before?.accessEtag === accessEtag &&
      change.access?.granted.some((granted) => granted.subject === subject) === true,
    deliver: async (admin) => {
      const answer = await setAccess(admin, { tenant, requestId, id, accessEtag, subjects });
      const body = bodyOf(answer, [answer.added, answer.removed]);
      return { token: tokenOf(answer), body, server: serverOf(answer) };
    },
  });
}

function revoke({ tenant, random }: WriteSource, requestId: string, { id }: Server): SendableWrite {
  const subjects = [random.pick(['group:dev', 'user:ana', 'user:bob', 'user:cy'])];
  return sendable({
    tenant,
    requestId,
    what: `revocation of ${id}`,
    isDelete: false,
    isDoneBy: ({ cause, changes: [change, ...rest] }) =>
      cause === 'ACCESS' &&
      rest.length === 0 &&
      change?.after?.id === id &&
      change.access?.granted.length === 0 &&
      change.access.revoked.map((revoked) => revoked.subject).join() === subjects.join(),
    deliver: async (admin) => {
      const answer = await revokeAccess(admin, { tenant, requestId, id, subjects });
      if (answer.removed.length === 0) return 'idle';
      const body = bodyOf(answer, answer.removed);
      return { token: tokenOf(answer), body, server: serverOf(answer) };
    },
  });
}

function promote({ tenant, random }: WriteSource, requestId: string, server: Server) {
  const { id, etag } = server;
  const tier = random.pick([Tier.TIER_APP, Tier.TIER_USER] as const);
  const policy = random.chance(80)
    ? ShadowPolicy.SHADOW_POLICY_SHADOW
    : ShadowPolicy.SHADOW_POLICY_FAIL;
  return sendable({
    tenant,
    requestId,
    what: `promotion of ${id}`,
    isDelete: false,
    isDoneBy: ({ cause, changes: [change, ...rest] }) =>
      cause === 'PROMOTE' &&
      rest.length === 0 &&
      change?.before?.etag === etag &&
      change.after?.tier === TIER_NAMES[tier] &&
      change.after?.owner === undefined,
    deliver: async (admin) => {
      const answer = await promoteServer(admin, { tenant, requestId, id, etag, tier, policy });
      return { token: tokenOf(answer), body: bodyOf(answer), server: serverOf(answer) };
    },
  });
}

function demote(source: WriteSource, requestId: string, { id, etag }: Server): SendableWrite {
  const { tenant, random } = source;
  const owner = random.chance(50) ? random.pick(USERS) : newGuest(source, requestId);
  const subjects = random.some(['group:dev', 'user:zoe']);
  return sendable({
    tenant,
    requestId,
    what: `demotion of ${id}`,
    isDelete: false,
    isDoneBy: ({ cause, changes: [change, ...rest] }) =>
      cause === 'DEMOTE' &&
      rest.length === 0 &&
      change?.before?.etag === etag &&
      change.after?.owner === owner &&
      (change.access?.granted.length ?? 0) === subjects.length,
    deliver: async (admin) => {
      const request = { tenant, requestId, id, etag, owner, subjects: [...subjects] };
      const answer = await demoteServer(admin, request);
      return { token: tokenOf(answer), body: bodyOf(answer), server: serverOf(answer) };
    },
  });
}

function invalidate(source: WriteSource, requestId: string): SendableWrite {
  const { tenant, random, sourceUsers = [] } = source;
  const user = random.pick(sourceUsers);
  return sendable({
    tenant,
    requestId,
    what: `invalidation of ${user}`,
    isDelete: false,
    isDoneBy: ({ cause, changes, loads: touched = [] }) =>
      cause === 'INVALIDATE' &&
      changes.length === 0 &&
      touched.map(({ after }) => `${after.user} ${after.state}`).join() === `${user} invalidated`,
    deliver: async (admin) => {
      // What it tells of the load is of now, also when it is repeated.
      const answer = await loads.invalidate(admin, { tenant, requestId, user });
      return { token: tokenOf(answer), body: '' };
    },
  });
}

function purge({ tenant }: WriteSource, requestId: string, user: string): SendableWrite {
  return sendable({
    tenant,
    what: `purge of ${user}`,
    isDelete: false,
    // That of the first of its commits, which is the only one here.
    requestId: `purge-${digestText('purge', requestId, '0')}`,
    isDoneBy: ({ cause, changes, loads: touched = [] }) =>
      cause === 'PURGE' &&
      changes.every(({ before, after, access }) =>
        after === undefined
          ? before?.owner === user
          : access?.revoked.map(({ subject }) => subject).join() === `user:${user}`,
      ) &&
      touched.map(({ after }) => `${after.user} ${after.state}`).join() === `${user} purged`,
    deliver: async (admin) => {
      const answer = await loads.purge(admin, { tenant, requestId, user });
      const { deletedCount, revokedCount } = answer;
      return { token: tokenOf(answer), body: canonicalJson({ deletedCount, revokedCount }) };
    },
  });
}
