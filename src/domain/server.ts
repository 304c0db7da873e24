import type { ConnectionScope } from './connection-scope.js';
import type { ServerSpec } from './spec.js';
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
}

/** One MCP server entry, without its grants. Immutable. */
export interface ServerRecord extends Declaration {
  /** Opaque, never changes. */
  readonly id: string;
  readonly etag: string;
  readonly accessEtag: string;
  readonly configHash: string;
  readonly scope: ConnectionScope;
  /** Milliseconds since 1970, for people. */
  readonly createTime: number;
  /** Milliseconds since 1970; strictly greater with every move of the etag. */
  readonly lastUpdatedAt: number;
  /** The revision that last changed the record or its grants. */
  readonly revision: number;
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
  readonly configHash: string;
  readonly scope: ConnectionScope;
  /** Milliseconds since 1970, for people. */
  readonly lastUpdatedAt: number;
}

/** A record with its grants: what resolve looks at. Grants are sorted by subject. */
export interface StoredServer {
  readonly record: ServerRecord;
  readonly grants: readonly Grant[];
}

/** The trace of a deleted server. */
export interface Tombstone {
  readonly id: string;
  readonly revision: number;
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

/** Equal exactly if two copies of one server have the same content. */
export function contentVersion(copy: {
  readonly etag: string;
  readonly accessEtag: string;
}): string {
  return `${copy.etag} ${copy.accessEtag}`;
}
