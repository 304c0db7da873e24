import type { Change, Cause, Position } from './commit.js';
import { configHash } from './config-hash.js';
import { connectionScope } from './connection-scope.js';
import { canonicalJson, digestText } from './digest.js';
import { SwitchboardError } from './errors.js';
import type { StateIndex } from './resolve.js';
import { isShared, type Declaration, type ServerRecord, type StoredServer } from './server.js';
import { validateDeclaration } from './validate.js';
import { userSubject } from './view.js';

/**
 * Decisions: pure functions of the state after which a commit would be appended. They
 * answer the change to append, `undefined` if nothing effective would change, or throw
 * the refusal.
 */

export interface DecisionContext {
  readonly state: StateIndex;
  /** The place after which the commit goes. */
  readonly after: Position;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface Decision {
  readonly cause: Cause;
  /** At least one; of one record at most one. */
  readonly changes: readonly Change[];
}

/** A new server of `declared` with the given id. */
export function decideCreate(
  { state, after, now }: DecisionContext,
  declared: Declaration,
  id: string,
): Decision {
  validateDeclaration(declared, 'server');
  demandNameFree(state, declared, id);
  const record: ServerRecord = {
    ...derived(declared),
    id,
    etag: etagOf(after, id, declared),
    accessEtag: digestText('access', after.epoch, after.fingerprint, id),
    factsEtag: '',
    generation: 1,
    createTime: now,
    lastUpdatedAt: now,
    revision: after.revision + 1,
  };
  return { cause: 'CREATE', changes: [{ after: record }] };
}

/** What UpdateServer was asked to do. */
export interface UpdateIntent {
  readonly id: string;
  readonly etag: string;
  /** The whole declaration after the change, made from the one before. */
  readonly apply: (before: Declaration) => Declaration;
}

/** `intent` applied to the server as it is; undefined if that changes nothing effective. */
export function decideUpdate(
  { state, after, now }: DecisionContext,
  intent: UpdateIntent,
): Decision | undefined {
  const { record: before } = demandCurrent(state, intent);
  const declared = intent.apply(declarationOf(before));
  validateDeclaration(declared, 'server');
  if (isShared(before) !== isShared(declared))
    throw new SwitchboardError('TIER_CHANGE_NOT_ALLOWED');
  if (canonicalJson(declared) === canonicalJson(declarationOf(before))) return undefined;
  demandNameFree(state, declared, intent.id);
  const record: ServerRecord = {
    ...derived(declared),
    ...(before.facts === undefined ? {} : { facts: before.facts }),
    id: before.id,
    etag: etagOf(after, before.id, declared),
    accessEtag: before.accessEtag,
    factsEtag: before.factsEtag,
    generation: before.generation + 1,
    createTime: before.createTime,
    // Strictly greater than before whatever the clock says: it is compared for equality.
    lastUpdatedAt: Math.max(now, before.lastUpdatedAt + 1),
    revision: after.revision + 1,
  };
  return { cause: 'UPDATE', changes: [{ before, after: record }] };
}

/** The removal of a server. Its grants go with it, so that the step can be undone. */
export function decideDelete(
  { state }: DecisionContext,
  intent: { readonly id: string; readonly etag: string },
): Decision {
  const { record, grants } = demandCurrent(state, intent);
  const access = grants.length === 0 ? {} : { access: { granted: [], revoked: grants } };
  return { cause: 'DELETE', changes: [{ before: record, ...access }] };
}

/** The part of a record that people declare, in one order of keys. */
export function declarationOf(record: Declaration): Declaration {
  const { name, externalId, tier, owner, spec, source } = record;
  return { name, externalId, tier, ...(owner === undefined ? {} : { owner }), spec, source };
}

function derived(declared: Declaration): Declaration & Pick<ServerRecord, 'configHash' | 'scope'> {
  return {
    ...declarationOf(declared),
    configHash: configHash(declared),
    scope: connectionScope(declared.tier, declared.spec).scope,
  };
}

/**
 * Of the history before and of the content: two histories that part, as after a restore,
 * never give two declarations one etag.
 */
function etagOf(after: Position, id: string, declared: Declaration): string {
  const content = canonicalJson(declarationOf(declared));
  return digestText('etag', after.epoch, after.fingerprint, id, content);
}

function demandCurrent(
  state: StateIndex,
  { id, etag }: { readonly id: string; readonly etag: string },
): StoredServer {
  const server = state.byId(id);
  if (server === undefined) throw new SwitchboardError('SERVER_NOT_FOUND', `no server ${id}`);
  if (server.record.etag !== etag) {
    throw new SwitchboardError('ETAG_MISMATCH', undefined, {
      metadata: { id, current_etag: server.record.etag },
    });
  }
  return server;
}

function demandNameFree(state: StateIndex, declared: Declaration, id: string): void {
  const holder = nameHolder(state, declared);
  if (holder === undefined || holder.record.id === id) return;
  throw new SwitchboardError('NAME_TAKEN', `the name ${JSON.stringify(declared.name)} is taken`, {
    metadata: { id: holder.record.id, tier: holder.record.tier },
  });
}

function nameHolder(state: StateIndex, declared: Declaration): StoredServer | undefined {
  if (isShared(declared)) return state.shared(declared.name);
  for (const server of state.privateOf(userSubject(declared.owner ?? ''))) {
    const { name, owner } = server.record;
    if (name === declared.name && owner === declared.owner) return server;
  }
  return undefined;
}
