import { applyChange, changedId, type Commit, type Position } from '../../domain/commit.js';
import { SwitchboardError } from '../../domain/errors.js';
import type { LoadRecord } from '../../domain/load-record.js';
import type { StoredServer } from '../../domain/server.js';
import { isTombstone, type Catalog, type Projected } from '../../storage/catalog.js';
import type { Found } from './cold-queries.js';
import type { RecentCommits } from './recent-commits.js';

/** The view that records join: where it is, and how it moves on. */
export interface AdmittingLog {
  readonly tenant: string;
  readonly position: Position;
  readonly recent: RecentCommits;
  catchUp(revision?: number): Promise<void>;
}

/** Records that are to join a view. */
export interface Admission {
  readonly log: AdmittingLog;
  readonly catalog: Catalog;
  readonly query: () => Promise<Projected<Found>>;
  /** Whose load records are being loaded. */
  readonly users: ReadonlySet<string>;
  /** Whether a record belongs to what is being loaded. */
  readonly concerns: (server: StoredServer) => boolean;
  /** Called in the step in which the records join, before them. */
  readonly finish: () => void;
  readonly put: (server: StoredServer) => void;
  readonly putLoad: (load: LoadRecord) => void;
}

/**
 * The cold read of protocol.md rule 8: query, then replay the log from the revision that
 * the query reflects to where the view is, for the records found. The newer stamp wins;
 * a record that the replay names and the query missed is read by id. Only then, in one
 * step, does all of it join the view.
 */
export async function admit(admission: Admission): Promise<void> {
  const { log, finish, put, putLoad } = admission;
  const { revision, value } = await admission.query();
  const found = new Map(value.servers.map((server) => [server.record.id, server]));
  const loads = new Map(value.loads.map((load) => [load.user, load]));
  let replayed = revision;
  // Where the view has to be before it can hold what the Catalog answered.
  let reflected = value.loads.reduce((most, load) => Math.max(most, load.revision), value.newest);
  for (;;) {
    await log.catchUp(Math.max(reflected, newestStamp(found)));
    const commits = await commitsAfter(admission, replayed);
    const missed = replay(found, commits, admission.concerns);
    replayLoads(loads, commits, admission.users);
    for (const id of missed) {
      const answer = await admission.catalog.serverById(log.tenant, id);
      // A tombstone has no stamp in `found`, and yet the view must not stay before it.
      reflected = Math.max(reflected, answer.revision);
      if (answer.value !== undefined && !isTombstone(answer.value)) found.set(id, answer.value);
    }
    replayed = commits.at(-1)?.revision ?? replayed;
    // Nothing was awaited since this held: the view cannot have moved in between.
    const at = log.position.revision;
    if (replayed >= at && reflected <= at && newestStamp(found) <= at) break;
  }
  finish();
  for (const server of found.values()) put(server);
  for (const load of loads.values()) putLoad(load);
}

function replayLoads(
  found: Map<string, LoadRecord>,
  commits: readonly Commit[],
  users: ReadonlySet<string>,
): void {
  for (const { after } of commits.flatMap((commit) => commit.loads ?? [])) {
    if (!users.has(after.user)) continue;
    if ((found.get(after.user)?.revision ?? 0) < after.revision) found.set(after.user, after);
  }
}

/** Applies the commits to what was found; answers the ids of relevant records that were not. */
function replay(
  found: Map<string, StoredServer>,
  commits: readonly Commit[],
  concerns: (server: StoredServer) => boolean,
): ReadonlySet<string> {
  const missed = new Set<string>();
  for (const commit of commits) {
    for (const change of commit.changes) {
      const id = changedId(change);
      const known = found.get(id);
      if (known !== undefined && known.record.revision >= commit.revision) continue;
      const after = applyChange(known, change);
      if (after === undefined) found.delete(id);
      else if (known !== undefined || change.before === undefined) found.set(id, after);
      else if (concerns(after)) missed.add(id);
    }
  }
  return missed;
}

async function commitsAfter(
  { log, catalog }: Admission,
  revision: number,
): Promise<readonly Commit[]> {
  if (revision >= log.position.revision) return [];
  const recent = log.recent.after(revision);
  if (recent !== undefined) return recent;
  const slice = await catalog.read(log.tenant, revision);
  if (slice.mark > revision)
    throw new SwitchboardError(
      'CATALOG_UNAVAILABLE',
      'the projections lag behind the compacted log',
    );
  return slice.commits.filter((commit) => commit.revision <= log.position.revision);
}

function newestStamp(found: ReadonlyMap<string, StoredServer>): number {
  let newest = 0;
  for (const server of found.values()) newest = Math.max(newest, server.record.revision);
  return newest;
}
