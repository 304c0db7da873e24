import { applyChange, changedId, type Change, type Commit } from '../commit.js';
import type { LoadRecord } from '../load-record.js';
import type { AccessStep, Grant, ServerVersion, Tombstone } from '../server.js';
import type { SourceRecord } from '../source-record.js';
import { accessStepOf, projectChange, versionOf, type ProjectedChange } from './project-change.js';

/** Where the answer to a repeated request is found. */
export interface RecordedAnswer {
  /** The commit that answered it. */
  readonly revision: number;
  readonly bodyDigest: string;
  /** The time of that commit. Milliseconds since 1970. */
  readonly time: number;
}

/**
 * Whether an answer can still be given: that of a commit at or below the compaction mark
 * counts as forgotten, since the commit can no longer be read (rule 3).
 */
export function isRemembered({ revision }: RecordedAnswer, mark: number): boolean {
  return revision > mark;
}

/** What one change of a commit does to the rows of its server. */
export interface ProjectedServer extends ProjectedChange {
  /** What is left of the server, if the change deletes it. */
  readonly tombstone: Tombstone | undefined;
  /** The version that the change makes, if it makes one. */
  readonly version: ServerVersion | undefined;
  /** The change of access that it makes, if it makes one. */
  readonly accessStep: AccessStep | undefined;
}

/** What an engine stores of a commit beside the commit itself. */
export interface ProjectedCommit {
  /** In the order of the changes. */
  readonly servers: readonly ProjectedServer[];
  readonly loads: readonly LoadRecord[];
  /** The private source of the tenant, if the commit changes it. */
  readonly source: SourceRecord | undefined;
  /** Of the request that the commit answers, if it answers one. */
  readonly answer: ProjectedAnswer | undefined;
}

/** The answer to a request. */
export interface ProjectedAnswer {
  readonly principal: string;
  readonly requestId: string;
  readonly recorded: RecordedAnswer;
}

/**
 * The rows of commits that follow each other, the same on every engine. `heldGrants` returns
 * the grants of a server as they are stored, before the first of the commits.
 */
export function projectCommits(
  commits: readonly Commit[],
  heldGrants: (id: string) => readonly Grant[],
): readonly ProjectedCommit[] {
  const done: Change[] = [];
  const grantsNow = (id: string): readonly Grant[] => {
    const earlier = done.filter((change) => changedId(change) === id);
    return earlier.reduce(grantsAfter, heldGrants(id));
  };
  return commits.map((commit) => {
    const { changes, loads = [], source, request, revision, time } = commit;
    const servers = changes.map((change) => {
      const projected = projectChange(change, () => grantsNow(changedId(change)));
      done.push(change);
      const tombstone = tombstoneOf(change, revision);
      const version = versionOf(commit, change);
      return { ...projected, tombstone, version, accessStep: accessStepOf(commit, change) };
    });
    const answer = request && {
      principal: request.principal,
      requestId: request.requestId,
      recorded: { revision, bodyDigest: request.bodyDigest, time },
    };
    return { servers, loads: loads.map(({ after }) => after), source: source?.after, answer };
  });
}

function grantsAfter(grants: readonly Grant[], change: Change): readonly Grant[] {
  const server = change.before && { record: change.before, grants };
  return applyChange(server, change)?.grants ?? [];
}

function tombstoneOf({ before, after }: Change, revision: number): Tombstone | undefined {
  if (after !== undefined || before === undefined) return undefined;
  const { id, name, tier, owner } = before;
  return { id, revision, name, tier, ...(owner === undefined ? {} : { owner }) };
}
