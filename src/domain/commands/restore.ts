import {
  demandCurrent,
  demandUnmanaged,
  freshRecord,
  laterThan,
  redeclarationOf,
  type Decision,
  type DecisionContext,
} from './decide.js';
import { SwitchboardError } from '../errors.js';
import type { ServerVersion } from '../server.js';
import { validateDeclaration } from '../validate.js';

/** What RollbackServer was asked to do. */
export interface RollbackIntent {
  readonly id: string;
  readonly etag: string;
  /** The version to return to; undefined if the server has no such one. */
  readonly version: ServerVersion | undefined;
}

/**
 * The server as that version declared it; undefined if that changes nothing effective. Who
 * manages the server is not rolled back: its set stays, and a
 * version that came from a private source is the owner's now. Throws VERSION_NOT_FOUND, also
 * for a deletion, TIER_CHANGE_NOT_ALLOWED for a version from before a promote or demote, and
 * what an update may throw.
 */
export function decideRollback(
  context: DecisionContext,
  { id, etag, version }: RollbackIntent,
): Decision | undefined {
  const server = demandCurrent(context.state, { id, etag });
  const { record } = server;
  demandUnmanaged(record);
  if (version?.declared === undefined) throw new SwitchboardError('VERSION_NOT_FOUND');
  const { privateSource: _released, ...content } = version.declared;
  const declared = { ...content, set: record.set };
  validateDeclaration(declared, 'server');
  const change = redeclarationOf(context, server, declared);
  return change && { cause: 'ROLLBACK', changes: [change] };
}

/**
 * The deleted server as it was, grants included; `versions` are its newest two, the newest
 * first. Whoever is granted it has the grant since this commit: what the deletion took away
 * was not there in between. Facts are found anew. Throws NOT_DELETED, SERVER_NOT_FOUND,
 * NAME_TAKEN, TRANSPORT_NOT_ALLOWED, and MANAGED_BY_SOURCE for a server that only its private
 * source brings back.
 */
export function decideUndelete(
  context: DecisionContext,
  { id, versions }: { readonly id: string; readonly versions: readonly ServerVersion[] },
): Decision {
  const { state, after, now } = context;
  if (state.byId(id) !== undefined) throw new SwitchboardError('NOT_DELETED');
  const [deletion, last] = versions;
  if (deletion === undefined) throw new SwitchboardError('SERVER_NOT_FOUND', `no server ${id}`);
  if (last?.declared === undefined) throw new Error('a deletion without a version before it');
  demandUnmanaged({ ...last.declared, id });
  const record = freshRecord(context, last.declared, {
    id,
    generation: deletion.generation + 1,
    createTime: deletion.createTime,
    lastUpdatedAt: laterThan(deletion.lastUpdatedAt, now),
  });
  const revision = after.revision + 1;
  const granted = deletion.grants.map(({ subject }) => ({ subject, revision }));
  const access = granted.length === 0 ? {} : { access: { granted, revoked: [] } };
  return { cause: 'UNDELETE', changes: [{ after: record, ...access }] };
}
