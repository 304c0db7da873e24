import { applyChange, changedId, type Commit, type Position } from '../../domain/commit.js';
import { SwitchboardError } from '../../domain/errors.js';
import type { LoadRecord } from '../../domain/load-record.js';
import type { StoredServer } from '../../domain/server.js';
import type { Catalog } from '../../storage/catalog.js';
import { isTombstone, type Projected } from '../../storage/projections.js';
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
  /** `isPartial`: whether it may have grants besides those of what is being loaded. */
  readonly put: (server: StoredServer, isPartial: boolean) => void;
  readonly putLoad: (load: LoadRecord) => void;
}

interface FoundServers {
  readonly byId: Map<string, StoredServer>;
  /** Those of them that may have more grants. */
  readonly partial: Set<string>;
}

/**
 * The cold read of protocol.md rule 8: query, then replay the log from the revision that
 * the query reflects to where the view is, for the records found. The newer stamp wins;
 * a record that the replay names and the query missed is read by id. Only then, in one
 * step, does all of it join the view.
 */
export async function admit(admission: Admission): Promise<void> {
  const { log, finish, put, putLoad } = admission;
  const { from, to, value } = await admission.query();
  const found: FoundServers = {
    byId: new Map(value.servers.map((server) => [server.record.id, server])),
    partial: new Set(value.servers.flatMap((server) => (server.isPartial ? [idOf(server)] : []))),
  };
  const loads = new Map(value.loads.map((load) => [load.user, load]));
  let replayed = from;
  // Where the view has to be before it can hold what the Catalog returned.
  let reflected = to;
  for (;;) {
    await log.catchUp(reflected);
    const commits = await commitsAfter(admission, replayed);
    const missed = replay(found, commits, admission.concerns);
    replayLoads(loads, commits, admission.users);
    if (missed.size > 0) {
      const read = await admission.catalog.projections.serversById(log.tenant, [...missed]);
      reflected = Math.max(reflected, read.to);
      for (const server of read.value) {
        if (server === undefined || isTombstone(server)) continue;
        found.byId.set(idOf(server), server);
        found.partial.delete(idOf(server));
      }
    }
    replayed = commits.at(-1)?.revision ?? replayed;
    // Nothing was awaited since this held: the view cannot have moved in between.
    const at = log.position.revision;
    if (replayed >= at && reflected <= at) break;
  }
  finish();
  for (const [id, server] of found.byId) put(server, found.partial.has(id));
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

/** Applies the commits to what was found; returns the ids of relevant records that were not. */
function replay(
  { byId, partial }: FoundServers,
  commits: readonly Commit[],
  concerns: (server: StoredServer) => boolean,
): ReadonlySet<string> {
  const missed = new Set<string>();
  for (const commit of commits) {
    for (const change of commit.changes) {
      const id = changedId(change);
      const known = byId.get(id);
      if (known !== undefined && known.record.revision >= commit.revision) continue;
      const after = applyChange(known, change);
      if (after === undefined) {
        byId.delete(id);
        partial.delete(id);
      } else if (known !== undefined || change.before === undefined) byId.set(id, after);
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
  const slice = await catalog.log.read(log.tenant, revision);
  if (slice.mark > revision)
    throw new SwitchboardError(
      'CATALOG_UNAVAILABLE',
      'the projections lag behind the compacted log',
    );
  return slice.commits.filter((commit) => commit.revision <= log.position.revision);
}

function idOf({ record }: StoredServer): string {
  return record.id;
}
