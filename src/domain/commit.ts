import type { Cause } from './cause.js';
import { digestText } from './digest.js';
import { forgetJson, jsonOnce } from './json-once.js';
import type { LoadChange } from './load-record.js';
import type { Grant, ServerRecord, StoredServer } from './server.js';
import type { SourceChange } from './source-record.js';

export type { Cause } from './cause.js';

/** How the list of grants changed. Both sides hold revisions, so it can be undone. */
export interface AccessChange {
  readonly granted: readonly Grant[];
  readonly revoked: readonly Grant[];
}

/** One record before and after. `before` is absent for a new one, `after` for a deleted one. */
export interface Change {
  readonly before?: ServerRecord;
  readonly after?: ServerRecord;
  readonly access?: AccessChange;
}

/** The request that a commit answers: repeated, it gets the same answer. */
export interface RequestKey {
  readonly principal: string;
  readonly requestId: string;
  /** Digest of the request without its id: another body under the id is refused. */
  readonly bodyDigest: string;
  /**
   * Of a request that may make several commits: the revision that it was decided from when it
   * began. Repeated, it is completed from there.
   */
  readonly baseRevision?: number;
}

/** One atomic step of a tenant's history, before it has its place in the log. */
export interface CommitDraft {
  readonly cause: Cause;
  readonly actor: string;
  readonly reason: string;
  /** Milliseconds since 1970, for people. Never orders anything. */
  readonly time: number;
  readonly request?: RequestKey;
  readonly changes: readonly Change[];
  /** Load records that it touches, of each user at most one. Absent for none. */
  readonly loads?: readonly LoadChange[];
  /** Of the tenant's private source. Absent for none. */
  readonly source?: SourceChange;
}

/** Where a commit is in its log. */
export interface CommitPlace {
  /** Position in the tenant's log: 1, 2, 3, … without holes. */
  readonly revision: number;
  /** Digest of the place and of the commit's bytes, chained over the fingerprint of the commit before. */
  readonly fingerprint: string;
}

/** A commit as engines keep it and the relay carries it. */
export interface EncodedCommit extends CommitPlace {
  /**
   * The draft as JSON, in the bytes in which it was first written. It may hold fields of a
   * newer version; whoever passes a commit on passes these bytes on.
   */
  readonly body: string;
}

/** A commit in its place. */
export interface Commit extends CommitDraft, CommitPlace {}

/** A commit with the bytes that engines keep. */
export interface StoredCommit extends Commit, EncodedCommit {}

/** A place in a log. Revision 0 with an empty fingerprint is before the first commit. */
export interface Position {
  /** Identity of one life of the log. */
  readonly epoch: string;
  readonly revision: number;
  readonly fingerprint: string;
}

/** Gives `draft` the place after `position`. */
export function placeCommit(draft: CommitDraft, position: Position): StoredCommit {
  const body = encodeBody(draft);
  const fingerprint = chainFingerprint(position, body);
  return { ...draft, revision: position.revision + 1, fingerprint, body };
}

/** The commit that was encoded so, with whatever fields its body has. */
export function decodeCommit({ revision, fingerprint, body }: EncodedCommit): StoredCommit {
  return { ...(JSON.parse(body) as CommitDraft), revision, fingerprint, body };
}

/**
 * The fingerprint of the commit with this body after `position`. It is over the bytes, so
 * that a commit with fields that only a newer version knows is verified like any other.
 */
export function chainFingerprint(position: Position, body: string): string {
  const { epoch, fingerprint, revision } = position;
  return digestText('commit', epoch, fingerprint, String(revision), body);
}

/** Whether `commit` is the one that belongs after `position`. */
export function follows(position: Position, commit: EncodedCommit): boolean {
  const isNext = commit.revision === position.revision + 1;
  return isNext && chainFingerprint(position, commit.body) === commit.fingerprint;
}

/** Written out, since what is placed may be a commit that has a place already. */
function encodeBody(draft: CommitDraft): string {
  const { cause, actor, reason, time, request, changes, loads, source } = draft;
  const facts = JSON.stringify({ cause, actor, reason, time, request }).slice(0, -1);
  const touched = loads === undefined ? '' : `,"loads":${JSON.stringify(loads)}`;
  const sourced = source === undefined ? '' : `,"source":${JSON.stringify(source)}`;
  return `${facts},"changes":${changesJson(changes)}${touched}${sourced}}`;
}

/**
 * A change as JSON: what `JSON.stringify` gives, the keys in their order. A record goes into
 * the commit that makes it, into the projections, and into the next commit as what was before:
 * its text is made once.
 */
export function changeJson(change: Change): string {
  const parts = Object.entries(change).flatMap(([key, part]: [string, Change[keyof Change]]) =>
    part === undefined ? [] : [`"${key}":${jsonOnce(part)}`],
  );
  return `{${parts.join(',')}}`;
}

/** Changes as JSON: what `JSON.stringify` gives. */
function changesJson(changes: readonly Change[]): string {
  return `[${changes.map(changeJson).join(',')}]`;
}

/**
 * The commit with its values alone, for whoever keeps many: its bytes and the texts of its parts
 * take more than the values do, and a record that was replaced is not encoded again.
 */
export function withoutText({ body: _, ...commit }: StoredCommit): Commit {
  for (const { before, access } of commit.changes) {
    if (before !== undefined) forgetJson(before);
    if (access !== undefined) forgetJson(access);
  }
  return commit;
}

/** The place after `commit` in the log of `epoch`. */
export function positionOf(epoch: string, { revision, fingerprint }: CommitPlace): Position {
  return { epoch, revision, fingerprint };
}

/** Whether two places are the same place of the same history. */
export function samePosition(a: Position, b: Position): boolean {
  return a.epoch === b.epoch && a.revision === b.revision && a.fingerprint === b.fingerprint;
}

/** The id of the record that a change is about. */
export function changedId(change: Change): string {
  const record = change.after ?? change.before;
  if (record === undefined) throw new Error('a change without a record');
  return record.id;
}

/** `server` after `change`; undefined if it was deleted. */
export function applyChange(
  server: StoredServer | undefined,
  change: Change,
): StoredServer | undefined {
  if (change.after === undefined) return undefined;
  return { record: change.after, grants: changeGrants(server?.grants ?? [], change.access) };
}

/** `server` as it was before `change`; undefined if the change created it. */
export function undoChange(
  server: StoredServer | undefined,
  change: Change,
): StoredServer | undefined {
  if (change.before === undefined) return undefined;
  const undone = change.access && {
    granted: change.access.revoked,
    revoked: change.access.granted,
  };
  return { record: change.before, grants: changeGrants(server?.grants ?? [], undone) };
}

function changeGrants(
  grants: readonly Grant[],
  access: AccessChange | undefined,
): readonly Grant[] {
  if (access === undefined) return grants;
  const gone = new Set(access.revoked.map((grant) => grant.subject));
  return [...grants.filter((grant) => !gone.has(grant.subject)), ...access.granted].sort((a, b) =>
    a.subject < b.subject ? -1 : 1,
  );
}
