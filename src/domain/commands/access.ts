import type { AccessChange } from '../commit.js';
import {
  accessEtagOf,
  demandServer,
  demandUnmanaged,
  type Decision,
  type DecisionContext,
} from './decide.js';
import { SwitchboardError } from '../errors.js';
import { isShared, type Grant, type ServerRecord, type StoredServer } from '../server.js';
import { MAX_GRANTS } from '../subjects.js';
import { userSubject, type Subject } from '../view.js';

/** Who is to have access to a server, or no longer. */
export interface AccessIntent {
  readonly id: string;
  /** Each once. */
  readonly subjects: readonly Subject[];
}

/**
 * Exactly these subjects and the owner; undefined if it is so already. Who stays keeps the
 * revision of the grant (rule 4). Throws SERVER_NOT_FOUND, WRONG_TIER, MANAGED_BY_SOURCE and
 * ETAG_MISMATCH.
 */
export function decideSetAccess(
  context: DecisionContext,
  { id, subjects, accessEtag }: AccessIntent & { readonly accessEtag: string },
): Decision | undefined {
  const server = demandGrantable(context, id);
  if (server.record.accessEtag !== accessEtag) {
    const metadata = { id, current_access_etag: server.record.accessEtag };
    throw new SwitchboardError('ETAG_MISMATCH', undefined, { metadata });
  }
  const wanted = new Set<string>(subjects);
  return accessDecision(context, server, {
    granted: newGrants(context, server, subjects),
    revoked: server.grants.filter(({ subject }) => !wanted.has(subject)),
  });
}

/**
 * These subjects beside those who have access; undefined if all of them have it. Throws
 * SERVER_NOT_FOUND, WRONG_TIER, MANAGED_BY_SOURCE and TOO_MANY_GRANTS.
 */
export function decideGrantAccess(
  context: DecisionContext,
  { id, subjects }: AccessIntent,
): Decision | undefined {
  const server = demandGrantable(context, id);
  const granted = newGrants(context, server, subjects);
  const count = server.grants.length + granted.length;
  if (granted.length > 0 && count > MAX_GRANTS) {
    const metadata = { id, granted: String(server.grants.length), asked: String(granted.length) };
    throw new SwitchboardError('TOO_MANY_GRANTS', undefined, { metadata });
  }
  return accessDecision(context, server, { granted, revoked: [] });
}

/**
 * All who have access but these subjects; undefined if none of them has it. Throws
 * SERVER_NOT_FOUND, WRONG_TIER and MANAGED_BY_SOURCE.
 */
export function decideRevokeAccess(
  context: DecisionContext,
  { id, subjects }: AccessIntent,
): Decision | undefined {
  const server = demandGrantable(context, id);
  const unwanted = new Set<string>(subjects);
  const revoked = server.grants.filter(({ subject }) => unwanted.has(subject));
  return accessDecision(context, server, { granted: [], revoked });
}

/** Grants of the commit that is decided, to those without one. The owner needs none. */
export function newGrants(
  { after }: Pick<DecisionContext, 'after'>,
  {
    record,
    grants,
  }: { readonly record: Pick<ServerRecord, 'owner'>; readonly grants: readonly Grant[] },
  subjects: readonly Subject[],
): readonly Grant[] {
  const having = new Set<string>(grants.map(({ subject }) => subject));
  if (record.owner !== undefined) having.add(userSubject(record.owner));
  const revision = after.revision + 1;
  return subjects
    .filter((subject) => !having.has(subject))
    .map((subject) => ({ subject, revision }));
}

function demandGrantable({ state }: DecisionContext, id: string): StoredServer {
  const server = demandServer(state, id);
  const { tier } = server.record;
  if (isShared(server.record))
    throw new SwitchboardError('WRONG_TIER', `the server is ${tier}: everyone may use it`, {
      metadata: { id, tier },
    });
  demandUnmanaged(server.record);
  return server;
}

function accessDecision(
  { after }: DecisionContext,
  { record: before }: StoredServer,
  access: AccessChange,
): Decision | undefined {
  if (access.granted.length + access.revoked.length === 0) return undefined;
  const accessEtag = accessEtagOf(after, before.id);
  const record: ServerRecord = { ...before, accessEtag, revision: after.revision + 1 };
  return { cause: 'ACCESS', changes: [{ before, after: record, access }] };
}
