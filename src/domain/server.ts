import type { Cause } from './cause.js';
import type { ConnectionScope } from './config/connection-scope.js';
import type { ServerFacts } from './facts.js';
import type { ServerSpec } from './config/spec.js';
import type { Tier } from './tier.js';
import type { Subject } from './view.js';

export type { Tier } from './tier.js';

/** What people declare about a server: what its etag covers. */
export interface Declaration {
  readonly name: string;
  readonly externalId: string;
  readonly tier: Tier;
  /** The owner's user id with PRIVATE; undefined otherwise. */
  readonly owner?: string;
  readonly spec: ServerSpec;
  /** The declared set that brought it; empty for none. */
  readonly set: string;
  /**
   * The namespace of the private source that it is loaded from: it can be changed only there, and
   * `externalId` is its id there. Undefined for none.
   */
  readonly privateSource?: string;
}

/** What a set refers to a server by, and who may see it there. */
export type Place = Pick<Declaration, 'name' | 'tier' | 'owner'>;

/** How a server left the place where its set had declared it. */
export interface Move {
  readonly from: Place;
  /** Who moved it, the last one if several did. */
  readonly actor: string;
  /** Milliseconds since 1970, for people. */
  readonly time: number;
}

/** One MCP server entry, without its grants. Immutable. */
export interface ServerRecord extends Declaration {
  /** Opaque, never changes. */
  readonly id: string;
  readonly etag: string;
  readonly accessEtag: string;
  /** Changes with the facts; empty without any. */
  readonly factsEtag: string;
  /**
   * Of a PRIVATE server that an administrator demoted: the transport policy does not apply to it
   * as long as it stays at the place that it had.
   */
  readonly transportExempt?: true;
  /** Counts the versions of what people declare: 1, 2, 3, … It moves with the etag. */
  readonly generation: number;
  readonly configHash: string;
  readonly scope: ConnectionScope;
  readonly facts?: ServerFacts;
  /** Milliseconds since 1970, for people. */
  readonly createTime: number;
  /** Milliseconds since 1970; strictly greater with every move of the etag. */
  readonly lastUpdatedAt: number;
  /** The revision that last changed the record or its grants. */
  readonly revision: number;
  /** Undefined if it is where its set declared it, or in no set. */
  readonly moved?: Move;
}

/** The right of one subject to one PRIVATE server. */
export interface Grant {
  readonly subject: Subject;
  /** The commit that gave it; kept when a list is replaced. */
  readonly revision: number;
}

/** A server as a node knows it. Immutable; a new object after each change. */
export interface KnownServer {
  readonly id: string;
  readonly name: string;
  readonly tier: Tier;
  readonly owner?: string;
  readonly spec: ServerSpec;
  readonly etag: string;
  readonly accessEtag: string;
  readonly factsEtag: string;
  readonly configHash: string;
  readonly scope: ConnectionScope;
  readonly facts?: ServerFacts;
  /** Whether an administrator moved it where it is: the transport policy does not apply. */
  readonly transportExempt?: true;
  /** Milliseconds since 1970, for people. */
  readonly lastUpdatedAt: number;
}

/** A server as it is reported to administrators: the whole record but its revision and move. */
export type ReportedServer = Omit<ServerRecord, 'revision' | 'moved'>;

/** A record with its grants: what resolve looks at. Grants are sorted by subject. */
export interface StoredServer {
  readonly record: ServerRecord;
  readonly grants: readonly Grant[];
}

/** The trace of a deleted server. */
export interface Tombstone {
  readonly id: string;
  /** Of the deletion. */
  readonly revision: number;
  readonly name: string;
  readonly tier: Tier;
  readonly owner?: string;
}

/** One version of what people declared about a server. */
export interface ServerVersion {
  /** Its number. The deletion counts as a version too. */
  readonly generation: number;
  readonly cause: Cause;
  readonly actor: string;
  readonly reason: string;
  /** Milliseconds since 1970, for people. */
  readonly time: number;
  /** Of the commit that made it. */
  readonly revision: number;
  /** Undefined if this version is the deletion. */
  readonly declared?: Declaration;
  /** Empty with the deletion. */
  readonly etag: string;
  /** Of the server, with the deletion as of its last version. Milliseconds since 1970. */
  readonly createTime: number;
  readonly lastUpdatedAt: number;
  /** With the deletion: the grants that went with it. */
  readonly grants: readonly Grant[];
}

/** One change of who may use a PRIVATE server besides its owner. */
export interface AccessStep {
  /** Of the commit that made it. */
  readonly revision: number;
  readonly cause: Cause;
  readonly actor: string;
  readonly reason: string;
  /** Milliseconds since 1970, for people. */
  readonly time: number;
  readonly granted: readonly Subject[];
  readonly revoked: readonly Subject[];
}

/** Which changes of access of one server are read. */
export interface AccessStepsQuery {
  readonly id: string;
  /** Only those of an earlier revision; all by default. */
  readonly before?: number;
  readonly limit: number;
  /** None follows the one with which they name so many subjects together. */
  readonly subjects: number;
}

/** Those of `steps`, which are the newest first, that a query is for. */
export function firstSteps(
  steps: Iterable<AccessStep>,
  { limit, subjects }: Pick<AccessStepsQuery, 'limit' | 'subjects'>,
): AccessStep[] {
  const first: AccessStep[] = [];
  let left = subjects;
  if (limit <= 0) return first;
  for (const step of steps) {
    first.push(step);
    left -= step.granted.length + step.revoked.length;
    if (first.length >= limit || left <= 0) break;
  }
  return first;
}

/** Whether everyone (APP) or every user (USER) may see it. */
export function isShared(record: Pick<ServerRecord, 'tier'>): boolean {
  return record.tier !== 'PRIVATE';
}

/** The subjects by which a PRIVATE server is seen: its owner and those granted. */
export function audienceOf(server: StoredServer): readonly Subject[] {
  const { owner } = server.record;
  const granted = server.grants.map((grant) => grant.subject);
  return owner === undefined ? granted : [`user:${owner}`, ...granted];
}

/** The grant of a subject, found by halving: a server has up to 10,000. */
export function grantTo({ grants }: StoredServer, subject: Subject): Grant | undefined {
  let low = 0;
  let high = grants.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const grant = grants[middle];
    if (grant === undefined || grant.subject === subject) return grant;
    if (grant.subject < subject) low = middle + 1;
    else high = middle;
  }
  return undefined;
}

/** The grants of two states of one server at one revision that each lack some; sorted by subject. */
export function unionOfGrants(
  a: Pick<StoredServer, 'grants'>,
  b: Pick<StoredServer, 'grants'>,
): readonly Grant[] {
  const bySubject = new Map([...a.grants, ...b.grants].map((grant) => [grant.subject, grant]));
  return [...bySubject.values()].sort((x, y) => (x.subject < y.subject ? -1 : 1));
}

/** Subjects to choose from: a set, or a map with something for each. */
export type SubjectKeys = Pick<ReadonlyMap<Subject, unknown>, 'size' | 'has' | 'keys'>;

/**
 * Those of `subjects` by which a PRIVATE server is seen, its owner first. Of the grants and
 * the subjects it walks those that are fewer.
 */
export function* seersAmong(server: StoredServer, subjects: SubjectKeys): Generator<Subject> {
  const { owner } = server.record;
  const owning: Subject | undefined = owner === undefined ? undefined : `user:${owner}`;
  if (owning !== undefined && subjects.has(owning)) yield owning;
  if (server.grants.length < subjects.size) {
    for (const { subject } of server.grants) {
      if (subject !== owning && subjects.has(subject)) yield subject;
    }
  } else {
    for (const subject of subjects.keys()) {
      if (subject !== owning && grantTo(server, subject) !== undefined) yield subject;
    }
  }
}

/** Whether one of `subjects` sees a PRIVATE server. */
export function hasSeerAmong(server: StoredServer, subjects: SubjectKeys): boolean {
  return seersAmong(server, subjects).next().done !== true;
}

/** Whether two states of a PRIVATE server are surely seen by the same subjects; costs nothing. */
export function sameAudience(a: StoredServer, b: StoredServer): boolean {
  if (isShared(a.record) || isShared(b.record)) return false;
  return a.record.owner === b.record.owner && a.grants === b.grants;
}

/** Equal exactly if two copies of one server have the same content. */
export function contentVersion(copy: {
  readonly etag: string;
  readonly accessEtag: string;
  readonly factsEtag: string;
}): string {
  return `${copy.etag} ${copy.accessEtag} ${copy.factsEtag}`;
}
