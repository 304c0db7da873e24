import { follows, type Commit, type Position, type StoredCommit } from '../../domain/commit.js';
import { Overlay } from '../../domain/record-set.js';
import type { StateIndex } from '../../domain/resolve.js';
import { HeldRecords } from './held-records.js';
import type { Holds } from './holds.js';
import type { RecentCommits } from './recent-commits.js';

/** One commit with the states around it, told to listeners before it becomes visible. */
export interface Step {
  readonly commit: Commit;
  readonly position: Position;
  readonly before: StateIndex;
  readonly after: StateIndex;
}

/**
 * A place in one history of a tenant, with the records and the newest commits there. It moves
 * by whole commits in their order (protocol.md rule 9).
 */
export class History {
  readonly records: HeldRecords;
  readonly recent: RecentCommits;
  private place: Position;

  constructor(position: Position, holds: Holds, recent: RecentCommits) {
    this.place = position;
    this.records = new HeldRecords(holds);
    this.recent = recent;
  }

  get position(): Position {
    return this.place;
  }

  /**
   * Applies commits that continue here; those it already has are skipped. Returns false if there
   * is a gap or they are of another history (rule 30). `trusted` ones are not verified.
   */
  advance(commits: readonly StoredCommit[], tell: (step: Step) => void, trusted = false): boolean {
    for (const commit of commits) {
      if (commit.revision <= this.place.revision) continue;
      if (commit.revision !== this.place.revision + 1) return false;
      if (!trusted && !follows(this.place, commit)) return false;
      this.step(commit, tell);
    }
    return true;
  }

  private step(commit: StoredCommit, tell: (step: Step) => void): void {
    const { epoch } = this.place;
    const { revision, fingerprint } = commit;
    const position = { epoch, revision, fingerprint };
    const before = this.records.index;
    const after = new Overlay(before);
    after.apply(commit);
    tell({ commit, position, before, after });
    this.records.apply(commit, after);
    this.recent.push(commit);
    this.place = position;
  }
}
