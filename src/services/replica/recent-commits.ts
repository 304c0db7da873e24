import { withoutText, type Commit, type StoredCommit } from '../../domain/commit.js';
import { RecentBudget, type BudgetHolder } from './recent-budget.js';

/** What those of one tenant may take together. Bytes, about. */
const MAX_SIZE = 8 * 1024 * 1024;

/**
 * The newest commits of a log, without holes: at least the last, and otherwise as many as
 * `limit` and `maxSize` (bytes, about) allow, at most about twice that. Holds their values only,
 * which take about a byte for each character of the text. None are left once `budget` needs what
 * they take for other tenants.
 */
export class RecentCommits implements BudgetHolder {
  private readonly limit: number;
  private readonly maxSize: number;
  private readonly budget: RecentBudget;
  private commits: Commit[] = [];
  private sizes: number[] = [];
  private size = 0;
  private readonly requests = new Map<string, Commit>();

  constructor(limit: number, { maxSize = MAX_SIZE, budget = new RecentBudget() } = {}) {
    this.limit = limit;
    this.maxSize = maxSize;
    this.budget = budget;
  }

  push(stored: StoredCommit): void {
    const commit = withoutText(stored);
    const size = stored.body.length;
    this.commits.push(commit);
    this.sizes.push(size);
    this.size += size;
    if (commit.request !== undefined) this.requests.set(requestKey(commit.request), commit);
    // Twice the limits, so that trimming is rare and costs nothing on average.
    if (this.commits.length >= this.limit * 2 || this.size >= this.maxSize * 2) this.trim();
    this.budget.set(this, this.size);
  }

  /** Forgets all of them: whoever asks has to read the log. */
  clear(): void {
    this.drop();
    this.budget.set(this, 0);
  }

  drop(): void {
    this.commits = [];
    this.sizes = [];
    this.size = 0;
    this.requests.clear();
  }

  private trim(): void {
    let count = Math.max(0, this.commits.length - this.limit);
    let size = this.sizes.slice(count).reduce((sum, one) => sum + one, 0);
    while (size > this.maxSize && count < this.commits.length - 1) {
      size -= this.sizes[count] ?? 0;
      count += 1;
    }
    for (const old of this.commits.slice(0, count)) this.forget(old);
    this.commits = this.commits.slice(count);
    this.sizes = this.sizes.slice(count);
    this.size = size;
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
