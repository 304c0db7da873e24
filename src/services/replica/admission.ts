import { applyChange, changedId, type Change, type Commit } from '../../domain/commit.js';
import type { LoadRecord } from '../../domain/load-record.js';
import type { StoredServer } from '../../domain/server.js';
import type { CallOptions } from '../../storage/call-options.js';
import type { PrivateServer } from '../../storage/projections.js';
import { queryRecords, type ColdSource, type Found } from './cold-queries.js';
import type { History } from './history.js';
import { readCommits } from './read-commits.js';

/** The state that records join: where it is, and how it moves on. */
export interface AdmittingState {
  readonly history: History;
  catchUp(revision: number, options: CallOptions): Promise<void>;
}

export interface AdmissionTarget {
  readonly state: AdmittingState;
  readonly source: ColdSource;
  readonly options: CallOptions;
}

/** Records that are to join a state. */
export interface Admission {
  readonly query: () => Promise<Found>;
  /** Whose load records are being loaded. */
  readonly users: ReadonlySet<string>;
  /** Whether a record belongs to what is being loaded. */
  readonly concerns: (server: StoredServer) => boolean;
  /** Called in the step in which the records join, before them. */
  readonly finish: (history: History) => void;
}

/**
 * The cold read of protocol.md rule 8: query, then replay the log from what the query surely
 * reflects to at least what it may reflect, for the records found; a record that the replay names
 * and the query missed is read by id. Only then, in one step, does all of it join the state. If
 * the state was replaced by that of another history meanwhile, all of it begins anew.
 */
export async function admit(
  { state, source, options }: AdmissionTarget,
  admission: Admission,
): Promise<void> {
  for (;;) {
    const { history } = state;
    const level = new Leveller(await admission.query(), admission);
    while (state.history === history) {
      await state.catchUp(level.reflected, options);
      const commits = await commitsAfter(history, level.replayed, () =>
        readCommits(source, level.replayed, options),
      );
      const missed = level.replay(commits);
      if (missed.length > 0) {
        // Not before what was replayed: that is not replayed again for them.
        const atLeast = level.replayed;
        level.add(await queryRecords(source, missed, { ...options, atLeast }));
      }
      // Nothing was awaited since these held: the state cannot have moved in between.
      if (state.history !== history || !level.isAt(history.position.revision)) continue;
      admission.finish(history);
      for (const server of level.servers.values()) history.records.put(server);
      for (const load of level.loads.values()) history.records.putLoad(load);
      return;
    }
  }
}

/** Brings what a query found to one revision. */
class Leveller {
  readonly servers: Map<string, PrivateServer>;
  readonly loads: Map<string, LoadRecord>;
  /** What the state has to have reached before it can hold what was found. */
  reflected: number;
  /** The commits up to here are in it. */
  replayed: number;
  private readonly admission: Admission;

  constructor({ from, to, servers, loads }: Found, admission: Admission) {
    this.servers = new Map(servers.map((server) => [server.record.id, server]));
    this.loads = new Map(loads.map((load) => [load.user, load]));
    this.reflected = to;
    this.replayed = from;
    this.admission = admission;
  }

  isAt(revision: number): boolean {
    return this.replayed >= revision && this.reflected <= revision;
  }

  add({ to, servers }: Found): void {
    this.reflected = Math.max(this.reflected, to);
    for (const server of servers) this.servers.set(server.record.id, server);
  }

  /** Applies commits; returns the ids of records that they concern and that were not found. */
  replay(commits: readonly Commit[]): readonly string[] {
    const missed = new Set<string>();
    for (const commit of commits) {
      for (const change of commit.changes) {
        if (!this.replayChange(change, commit.revision)) missed.add(changedId(change));
      }
      for (const { after } of commit.loads ?? []) this.replayLoad(after);
      this.replayed = commit.revision;
    }
    return [...missed];
  }

  /** False if it concerns what is being loaded, and is of a record that was not found. */
  private replayChange(change: Change, revision: number): boolean {
    const id = changedId(change);
    const known = this.servers.get(id);
    if (known !== undefined && known.record.revision >= revision) return true;
    const after = applyChange(known, change);
    if (after === undefined) this.servers.delete(id);
    else if (known !== undefined || change.before === undefined)
      this.servers.set(id, { ...after, isPartial: known?.isPartial ?? false });
    else return !this.admission.concerns(after);
    return true;
  }

  private replayLoad(load: LoadRecord): void {
    if (!this.admission.users.has(load.user)) return;
    if ((this.loads.get(load.user)?.revision ?? 0) < load.revision) this.loads.set(load.user, load);
  }
}

/** The commits between a revision and where the history is. */
async function commitsAfter(
  { position, recent }: History,
  revision: number,
  read: () => Promise<readonly Commit[]>,
): Promise<readonly Commit[]> {
  if (revision >= position.revision) return [];
  const commits = recent.after(revision) ?? (await read());
  return commits.filter((commit) => commit.revision <= position.revision);
}
