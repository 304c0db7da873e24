import type { Cause } from './cause.js';
import { digestText } from './digest.js';
import { jsonOnce } from './json-once.js';
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

/** A commit in its place. */
export interface Commit extends CommitDraft {
  /** Position in the tenant's log: 1, 2, 3, … without holes. */
  readonly revision: number;
  /** Digest of this commit, chained over the fingerprint of the one before. */
  readonly fingerprint: string;
}

/** A place in a log. Revision 0 with an empty fingerprint is before the first commit. */
export interface Position {
  /** Identity of one life of the log. */
  readonly epoch: string;
  readonly revision: number;
  readonly fingerprint: string;
}

/** Gives `draft` the place after `position`. */
export function placeCommit(draft: CommitDraft, position: Position): Commit {
  const revision = position.revision + 1;
  return { ...draft, revision, fingerprint: chainFingerprint(draft, position) };
}

/** The fingerprint that `draft` has when it comes after `position`. */
export function chainFingerprint(draft: CommitDraft, position: Position): string {
  const { cause, actor, reason, time, request, changes, loads, source } = draft;
  const facts = JSON.stringify([cause, actor, reason, time, request ?? null]).slice(0, -1);
  // Without loads as it was before there were any: the digests of old logs still fit.
  const touched = loads === undefined ? '' : `,${JSON.stringify(loads)}`;
  const sources = source === undefined ? '' : `,${JSON.stringify(source)}`;
  const body = `${facts},${changesJson(changes)}${touched}${sources}]`;
  return digestText(
    'commit',
    position.epoch,
    position.fingerprint,
    String(position.revision),
    body,
  );
}

/**
 * A change as JSON: what `JSON.stringify` gives, the keys in their order. The same records and
 * lists go into the digest of the commit, into the log and the projections, and a record also
 * into the next commit, as what was before: the text of each is made once.
 */
export function changeJson(change: Change): string {
  const parts = Object.entries(change).flatMap(([key, part]: [string, Change[keyof Change]]) =>
    part === undefined ? [] : [`"${key}":${jsonOnce(part)}`],
  );
  return `{${parts.join(',')}}`;
}

/** Changes as JSON: what `JSON.stringify` gives. */
export function changesJson(changes: readonly Change[]): string {
  return `[${changes.map(changeJson).join(',')}]`;
}

/** A commit as JSON, its changes last. */
export function commitJson({ changes, ...rest }: Commit): string {
  return `${JSON.stringify(rest).slice(0, -1)},"changes":${changesJson(changes)}}`;
}

/** The place after `commit` in the log of `epoch`. */
export function positionOf(epoch: string, commit: Commit): Position {
  return { epoch, revision: commit.revision, fingerprint: commit.fingerprint };
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
