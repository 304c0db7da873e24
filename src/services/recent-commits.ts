import type { Commit } from '../domain/commit.js';

/** The newest commits of a log, without holes, at most `limit`. */
export class RecentCommits {
  private readonly limit: number;
  private commits: Commit[] = [];
  private readonly requests = new Map<string, Commit>();

  constructor(limit: number) {
    this.limit = limit;
  }

  push(commit: Commit): void {
    this.commits.push(commit);
    if (commit.request !== undefined) this.requests.set(requestKey(commit.request), commit);
    if (this.commits.length < this.limit * 2) return;
    for (const old of this.commits.slice(0, this.limit)) this.forget(old);
    this.commits = this.commits.slice(this.limit);
  }

  /** All commits after `revision`; undefined if some of them are no longer held. */
  after(revision: number): readonly Commit[] | undefined {
    const first = this.commits[0];
    if (first === undefined) return undefined;
    const index = revision + 1 - first.revision;
    return index < 0 ? undefined : this.commits.slice(index);
  }

  /** Whether all commits after `revision` are held. */
  reaches(revision: number): boolean {
    const first = this.commits[0];
    return first !== undefined && first.revision <= revision + 1;
  }

  /** The commit of a revision, if it is among these. */
  at(revision: number): Commit | undefined {
    const first = this.commits[0];
    return first && this.commits[revision - first.revision];
  }

  /** The commit that answered a request, if it is among these. */
  answering(request: {
    readonly principal: string;
    readonly requestId: string;
  }): Commit | undefined {
    return this.requests.get(requestKey(request));
  }

  private forget(commit: Commit): void {
    if (commit.request === undefined) return;
    const key = requestKey(commit.request);
    if (this.requests.get(key) === commit) this.requests.delete(key);
  }
}

/** One key for a principal and its request id. */
export function requestKey(request: {
  readonly principal: string;
  readonly requestId: string;
}): string {
  return JSON.stringify([request.principal, request.requestId]);
}
