import type { Change, Cause, Position } from '../commit.js';
import { configHash } from '../config/config-hash.js';
import { connectionScope } from '../config/connection-scope.js';
import { canonicalJson, digestText } from '../digest.js';
import { SwitchboardError } from '../errors.js';
import type { LoadChange } from '../load-record.js';
import type { StateIndex } from '../resolve.js';
import type { SourceChange } from '../source-record.js';
import {
  grantTo,
  isShared,
  type Declaration,
  type Move,
  type Place,
  type ServerRecord,
  type StoredServer,
} from '../server.js';
import {
  isRestricted,
  specRefusal,
  staysInPlace,
  type TransportPolicy,
} from '../transport-policy.js';
import { validateDeclaration } from '../validate.js';
import { userSubject } from '../view.js';

/**
 * Decisions: pure functions of the state after which a commit would be appended. They
 * answer the change to append, `undefined` if nothing effective would change, or throw
 * the refusal.
 */

export interface DecisionContext {
  readonly state: StateIndex;
  /** The place after which the commit goes. */
  readonly after: Position;
  /** Who asks for it. */
  readonly actor: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Where PRIVATE servers may be. */
  readonly transportPolicy: TransportPolicy;
}

export interface Decision {
  readonly cause: Cause;
  /** Of one record at most one. Empty only with `loads` or `source`. */
  readonly changes: readonly Change[];
  /** Load records that it touches, of each user at most one. */
  readonly loads?: readonly LoadChange[];
  /** Of the tenant's private source. */
  readonly source?: SourceChange;
}

/** A new server of `declared` with the given id. */
export function decideCreate(
  context: DecisionContext,
  declared: Declaration,
  id: string,
): Decision {
  validateDeclaration(declared, 'server');
  return { cause: 'CREATE', changes: [creationOf(context, declared, id)] };
}

/** What UpdateServer was asked to do. */
export interface UpdateIntent {
  readonly id: string;
  readonly etag: string;
  /** The whole declaration after the change, made from the one before. */
  readonly apply: (before: Declaration) => Declaration;
}

/** `intent` applied to the server as it is; undefined if that changes nothing effective. */
export function decideUpdate(context: DecisionContext, intent: UpdateIntent): Decision | undefined {
  const before = demandCurrent(context.state, intent);
  demandUnmanaged(before.record);
  const declared = intent.apply(declarationOf(before.record));
  validateDeclaration(declared, 'server');
  const change = redeclarationOf(context, before, declared);
  return change && { cause: 'UPDATE', changes: [change] };
}

/** The removal of a server. Its grants go with it, so that the step can be undone. */
export function decideDelete(
  { state }: DecisionContext,
  intent: { readonly id: string; readonly etag: string },
): Decision {
  const server = demandCurrent(state, intent);
  demandUnmanaged(server.record);
  return { cause: 'DELETE', changes: [deletionOf(server)] };
}

/** Adds a server of `declared`, which has to be valid. Throws NAME_TAKEN and TRANSPORT_NOT_ALLOWED. */
export function creationOf(context: DecisionContext, declared: Declaration, id: string): Change {
  const { now } = context;
  const meta = { id, generation: 1, createTime: now, lastUpdatedAt: now };
  return { after: freshRecord(context, declared, meta) };
}

/**
 * Makes `declared`, which has to be valid, what is declared about a server; undefined if that
 * changes nothing effective. A new owner needs no grant, so one to it ends. A server that stays
 * where it is may be changed whatever the policy says: nodes refuse to connect to it. Throws
 * TIER_CHANGE_NOT_ALLOWED, NAME_TAKEN and TRANSPORT_NOT_ALLOWED.
 */
export function redeclarationOf(
  context: DecisionContext,
  server: StoredServer,
  declared: Declaration,
): Change | undefined {
  const { record: before } = server;
  if (isShared(before) !== isShared(declared))
    throw new SwitchboardError('TIER_CHANGE_NOT_ALLOWED');
  if (canonicalJson(declarationOf(declared)) === canonicalJson(declarationOf(before)))
    return undefined;
  if (!staysInPlace(before, declared)) demandTransport(context, declared);
  const after = redeclared(context, before, declared);
  const { owner } = declared;
  const isMoved = owner !== undefined && owner !== before.owner;
  // Asked only then: a server has up to 10,000 grants.
  const grant = isMoved ? grantTo(server, userSubject(owner)) : undefined;
  if (grant === undefined) return { before, after };
  const accessEtag = accessEtagOf(context.after, before.id);
  return { before, after: { ...after, accessEtag }, access: { granted: [], revoked: [grant] } };
}

/** The next version of a record, of any tier. Throws NAME_TAKEN. */
export function redeclared(
  context: DecisionContext,
  before: ServerRecord,
  declared: Declaration,
): ServerRecord {
  demandNameFree(context.state, declared, before.id);
  const moved = moveOutOf(context, before, declared);
  return { ...nextVersion(context, before, declared), ...(moved === undefined ? {} : { moved }) };
}

/** How the server is away from where its set declared it; undefined if it is there. */
function moveOutOf(
  { actor, now }: DecisionContext,
  before: ServerRecord,
  declared: Declaration,
): Move | undefined {
  if (declared.set === '' || declared.set !== before.set) return undefined;
  const from = before.moved?.from ?? placeOf(before);
  if (isSamePlace(from, declared)) return undefined;
  return isSamePlace(before, declared) ? before.moved : { from, actor, time: now };
}

function placeOf({ name, tier, owner }: Place): Place {
  return owner === undefined ? { name, tier } : { name, tier, owner };
}

function isSamePlace(a: Place, b: Place): boolean {
  return a.name === b.name && a.tier === b.tier && a.owner === b.owner;
}

/** The same, whoever has its name. Facts and access stay, and an exemption if its place does. */
export function nextVersion(
  { after, now }: Pick<DecisionContext, 'after' | 'now'>,
  before: ServerRecord,
  declared: Declaration,
): ServerRecord {
  return {
    ...derived(declared),
    ...(before.facts === undefined ? {} : { facts: before.facts }),
    ...(before.transportExempt && staysInPlace(before, declared) ? { transportExempt: true } : {}),
    id: before.id,
    etag: etagOf(after, before.id, declared),
    accessEtag: before.accessEtag,
    factsEtag: before.factsEtag,
    generation: before.generation + 1,
    createTime: before.createTime,
    lastUpdatedAt: laterThan(before.lastUpdatedAt, now),
    revision: after.revision + 1,
  };
}

/** Takes a server away, its grants with it. */
export function deletionOf({ record, grants }: StoredServer): Change {
  const access = grants.length === 0 ? {} : { access: { granted: [], revoked: grants } };
  return { before: record, ...access };
}

/** What a record that comes into being has besides what is declared. */
export type RecordMeta = Pick<ServerRecord, 'id' | 'generation' | 'createTime' | 'lastUpdatedAt'>;

/** A record that did not exist before, without facts. Throws NAME_TAKEN, TRANSPORT_NOT_ALLOWED. */
export function freshRecord(
  context: DecisionContext,
  declared: Declaration,
  meta: RecordMeta,
): ServerRecord {
  demandNameFree(context.state, declared, meta.id);
  demandTransport(context, declared);
  return newRecord(context, declared, meta);
}

/** The same, whoever has its name. */
export function newRecord(
  { after }: Pick<DecisionContext, 'after'>,
  declared: Declaration,
  meta: RecordMeta,
): ServerRecord {
  const { id } = meta;
  return {
    ...derived(declared),
    ...meta,
    etag: etagOf(after, id, declared),
    accessEtag: accessEtagOf(after, id),
    factsEtag: '',
    revision: after.revision + 1,
  };
}

/** A time after `before`, whatever the clock says: it is compared for equality. */
export function laterThan(before: number, now: number): number {
  return Math.max(now, before + 1);
}

/** The part of a record that people declare, in one order of keys. */
export function declarationOf(record: Declaration): Declaration {
  const { name, externalId, tier, owner, spec, set, privateSource } = record;
  // Spelled out: of an object that was spread together, JSON is several times as slow.
  if (owner === undefined) return { name, externalId, tier, spec, set };
  if (privateSource === undefined) return { name, externalId, tier, owner, spec, set };
  return { name, externalId, tier, owner, spec, set, privateSource };
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

/** The access etag of a list that was changed by a commit after `after`. */
export function accessEtagOf(after: Position, id: string): string {
  return digestText('access', after.epoch, after.fingerprint, id);
}

/** The server of the id. Throws SERVER_NOT_FOUND. */
export function demandServer(state: StateIndex, id: string): StoredServer {
  const server = state.byId(id);
  if (server === undefined) throw new SwitchboardError('SERVER_NOT_FOUND', `no server ${id}`);
  return server;
}

/** Throws MANAGED_BY_SOURCE for a server that only its private source can change. */
export function demandUnmanaged({
  id = '',
  privateSource,
}: Pick<Declaration, 'privateSource'> & { readonly id?: string }): void {
  if (privateSource === undefined) return;
  const metadata = { id, private_source: privateSource };
  throw new SwitchboardError('MANAGED_BY_SOURCE', undefined, { metadata });
}

/** The server of the id. Throws SERVER_NOT_FOUND, and ETAG_MISMATCH if it has another etag. */
export function demandCurrent(
  state: StateIndex,
  { id, etag }: { readonly id: string; readonly etag: string },
): StoredServer {
  const server = demandServer(state, id);
  if (server.record.etag !== etag) throw etagMismatch(server.record);
  return server;
}

/** The refusal of a change that was made from another copy than `current`. */
export function etagMismatch({ id, etag }: Pick<ServerRecord, 'id' | 'etag'>): SwitchboardError {
  return new SwitchboardError('ETAG_MISMATCH', undefined, { metadata: { id, current_etag: etag } });
}

/** Throws TRANSPORT_NOT_ALLOWED for a PRIVATE server at a place that the policy refuses. */
export function demandTransport(
  { transportPolicy }: Pick<DecisionContext, 'transportPolicy'>,
  declared: Pick<Declaration, 'tier' | 'spec'>,
): void {
  if (!isRestricted(declared)) return;
  const refusal = specRefusal(transportPolicy, declared.spec);
  if (refusal === undefined) return;
  const { rule, field, message } = refusal;
  throw new SwitchboardError('TRANSPORT_NOT_ALLOWED', `spec.${field}: ${message}`, {
    metadata: { rule, field: `spec.${field}` },
  });
}

function demandNameFree(state: StateIndex, declared: Declaration, id: string): void {
  const holder = holderOf(state, nameOf(declared));
  if (holder === undefined || holder.record.id === id) return;
  throw new SwitchboardError('NAME_TAKEN', `the name ${JSON.stringify(declared.name)} is taken`, {
    metadata: { id: holder.record.id, tier: holder.record.tier },
  });
}

/** A name and where it is unique: among the shared servers, or those of one owner. */
export interface ScopedName {
  readonly name: string;
  /** Of a PRIVATE server; undefined for a shared one. */
  readonly owner?: string;
}

/** The name that a server has, or would have. */
export function nameOf(declared: Pick<Declaration, 'name' | 'tier' | 'owner'>): ScopedName {
  const { name, owner = '' } = declared;
  return isShared(declared) ? { name } : { name, owner };
}

/** The server that has the name; the private ones of its owner have to be in the state. */
export function holderOf(state: StateIndex, { name, owner }: ScopedName): StoredServer | undefined {
  if (owner === undefined) return state.shared(name);
  for (const server of state.privateNamed(userSubject(owner), name)) {
    if (server.record.owner === owner) return server;
  }
  return undefined;
}
