import type { ServiceError } from '@grpc/grpc-js';
import { Server, Tier } from '../../../generated/switchboard/v1/server.js';
import type { Commit } from '../../../src/domain/commit.js';
import { aboutUser, accessOrMove } from './access.js';
import {
  bodyOf,
  type Known,
  sendable,
  type SendableWrite,
  TIER_NAMES,
  USERS,
  type WriteSource,
} from './sendable.js';
import {
  byId,
  httpSpec,
  INVENTORY,
  serverOf,
  toRefusal,
  tokenOf,
  type Admin,
} from '../grpc-admin/grpc-admin.js';
import type { Random } from '../random.js';

export type SendOutcome = 'answered' | 'refused' | 'unknown';

/** Reasons with which a server says for certain that it wrote nothing and never will. */
const REFUSALS = new Set([
  ...['NAME_TAKEN', 'ETAG_MISMATCH', 'SERVER_NOT_FOUND', 'WRONG_TIER', 'WOULD_SHADOW'],
]);

/** Sends a write and keeps what came of it. */
export async function send(write: SendableWrite, admin: Admin, known: Known): Promise<SendOutcome> {
  try {
    const answer = await write.deliver(admin);
    if (answer === 'idle') {
      write.refusals.push('idle');
      return 'refused';
    }
    const { token, body, server } = answer;
    write.answers.push({ token, body });
    if (server === undefined) return 'answered';
    if (write.isDelete) known.delete(server.id);
    else if (write.answers.length === 1) known.set(server.id, server);
    return 'answered';
  } catch (error) {
    const { code, reason } = toRefusal(error as ServiceError);
    if (REFUSALS.has(reason)) {
      write.refusals.push(reason);
      return 'refused';
    }
    // A connection that broke, or a server that says itself that it does not know.
    if (code !== 'UNAVAILABLE') throw error;
    write.unknown += 1;
    return 'unknown';
  }
}

/** Learns of a server what it now is, after a write of it was refused. */
export async function refresh(id: string, admin: Admin, known: Known, tenant: string) {
  try {
    known.set(id, serverOf(await admin.get({ tenant, view: INVENTORY, key: byId(id) })));
  } catch (error) {
    const { reason } = toRefusal(error as ServiceError);
    if (reason === 'SERVER_NOT_FOUND') known.delete(id);
  }
}

const NAMES = Array.from({ length: 24 }, (_, index) => `name-${String(index)}`);
/** A write of a random kind; every one has an effect unless it is refused. */
export function randomWrite(source: WriteSource, requestId: string): SendableWrite {
  const { random, known } = source;
  const server = known.size === 0 ? undefined : random.pick([...known.values()]);
  const kind = random.below(100);
  if (server === undefined || kind < (known.size > 40 ? 10 : 30)) return create(source, requestId);
  if (kind < 42) return update(source, requestId, { server, ...newContent(source, requestId) });
  if (kind < 50) return update(source, requestId, { server, ...newName(source, server) });
  if (kind < 56) return update(source, requestId, { server, ...newHolder(source, server) });
  if (kind < 76) return accessOrMove(source, requestId, server);
  if (kind < 86) return aboutUser(source, requestId) ?? remove(source, requestId, server);
  return remove(source, requestId, server);
}

function create({ random, tenant }: WriteSource, requestId: string): SendableWrite {
  const tier = random.pick([Tier.TIER_APP, Tier.TIER_USER, Tier.TIER_PRIVATE]);
  const owner = tier === Tier.TIER_PRIVATE ? random.pick(USERS) : '';
  const name = random.pick(NAMES);
  const description = text(random);
  const spec = httpSpec(`https://${requestId}.example/mcp`, { description });
  const server = Server.fromPartial({ name, tier, owner, spec });
  return sendable({
    tenant,
    requestId,
    what: `create ${name}`,
    isDelete: false,
    isDoneBy: ({ cause, changes }) => {
      const [change, ...rest] = changes;
      const after = change?.after;
      return (
        cause === 'CREATE' &&
        rest.length === 0 &&
        change?.before === undefined &&
        after?.name === name &&
        after.tier === TIER_NAMES[tier] &&
        (after.owner ?? '') === owner &&
        after.spec.description === description
      );
    },
    deliver: async (admin) => {
      const answer = await admin.create({ tenant, requestId, server });
      return { token: tokenOf(answer), body: bodyOf(answer), server: serverOf(answer) };
    },
  });
}

interface Change {
  readonly what: string;
  readonly mask: readonly string[];
  readonly fields: Parameters<typeof Server.fromPartial>[0];
  readonly holds: (after: NonNullable<Commit['changes'][number]['after']>) => boolean;
}

function newContent({ random }: WriteSource, requestId: string): Change {
  const description = text(random);
  return {
    what: 'content',
    mask: ['spec.title', 'spec.description', 'spec.streamable_http.url'],
    fields: {
      spec: httpSpec(`https://${requestId}.example/mcp`, { title: requestId, description }),
    },
    holds: ({ spec }) => spec.title === requestId && spec.description === description,
  };
}

function newName({ random }: WriteSource, server: Server): Change {
  const name = random.pick(NAMES.filter((other) => other !== server.name));
  return {
    what: 'rename',
    mask: ['name'],
    fields: { name },
    holds: (after) => after.name === name,
  };
}

function newHolder({ random }: WriteSource, server: Server): Change {
  if (server.tier === Tier.TIER_PRIVATE) {
    const owner = random.pick(USERS.filter((other) => other !== server.owner));
    const holds: Change['holds'] = (after) => after.owner === owner;
    return { what: 'transfer', mask: ['owner'], fields: { owner }, holds };
  }
  const tier = server.tier === Tier.TIER_APP ? Tier.TIER_USER : Tier.TIER_APP;
  const holds: Change['holds'] = (after) => after.tier === TIER_NAMES[tier];
  return { what: 'tier', mask: ['tier'], fields: { tier }, holds };
}

function update(
  { tenant }: WriteSource,
  requestId: string,
  { server, what, mask, fields, holds }: Change & { readonly server: Server },
): SendableWrite {
  const { id, etag } = server;
  return sendable({
    tenant,
    requestId,
    what: `${what} of ${id}`,
    isDelete: false,
    isDoneBy: ({ cause, changes }) => {
      const [change, ...rest] = changes;
      return (
        cause === 'UPDATE' &&
        rest.length === 0 &&
        change?.before?.etag === etag &&
        change.after?.id === id &&
        holds(change.after)
      );
    },
    deliver: async (admin) => {
      const changed = Server.fromPartial({ ...fields, id, etag });
      const answer = await admin.update({
        tenant,
        requestId,
        server: changed,
        updateMask: [...mask],
      });
      return { token: tokenOf(answer), body: bodyOf(answer), server: serverOf(answer) };
    },
  });
}

function remove({ tenant }: WriteSource, requestId: string, { id, etag }: Server): SendableWrite {
  return sendable({
    tenant,
    requestId,
    what: `delete ${id}`,
    isDelete: true,
    isDoneBy: ({ cause, changes }) =>
      cause === 'DELETE' &&
      changes.length === 1 &&
      changes[0]?.before?.etag === etag &&
      changes[0].after === undefined,
    deliver: async (admin) => {
      const answer = await admin.remove({ tenant, requestId, id, etag });
      return { token: tokenOf(answer), body: bodyOf(answer), server: serverOf(answer) };
    },
  });
}

/** Mostly short, now and then several pages of the store. */
function text(random: Random): string {
  return 'x'.repeat(random.chance(20) ? random.below(9_000) : random.below(200));
}
