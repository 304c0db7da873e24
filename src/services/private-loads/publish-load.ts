import type { ServerVersion } from '../../domain/server.js';
import { isSwitchboardError, SwitchboardError } from '../../domain/errors.js';
import { decideLoad, type Deletion } from '../../domain/commands/load/decide-load.js';
import {
  serverIdOfRow,
  type LoadedRow,
  type SourceRights,
} from '../../domain/commands/load/rows.js';
import type { CallOptions } from '../../storage/call-options.js';
import type { Catalog } from '../../storage/catalog.js';
import { isTombstone } from '../../storage/projections.js';
import { holdAll, holdOwned, holdOwners } from '../writes/write-request.js';
import type { LoadTarget } from './load-deps.js';

/** What a source returned, and what the load has to be compared with. */
export interface SourceAnswer {
  readonly rights: SourceRights;
  readonly rows: readonly LoadedRow[];
  /** The confirmed head before the source was asked. */
  readonly since: number;
  /** The user's own grants at `since`: their revisions by server id. */
  readonly grants: ReadonlyMap<string, number>;
  /** Whether somebody asked for this load: it then also ends a purge. */
  readonly isForced: boolean;
  readonly signal: AbortSignal;
}

/** Which of the rows' servers were deleted, as of a revision. */
interface KnownDeletions {
  readonly revision: number;
  readonly deletions: ReadonlyMap<string, Deletion>;
}

/**
 * Publishes what a source returned, in one commit. Throws what `decideLoad` throws,
 * SOURCE_TOO_LARGE if it does not fit in a commit, and what the committer throws.
 */
export async function publishLoad(
  catalog: Catalog,
  target: LoadTarget,
  answer: SourceAnswer,
): Promise<void> {
  const { tenant, user } = target;
  const { rights, rows, signal } = answer;
  const ids = new Set(rows.map(({ rowId }) => serverIdOfRow(rights.namespace, rowId)));
  let known: KnownDeletions | undefined;
  try {
    await tenant.committer.submit({
      actor: `private-source:${rights.source}`,
      reason: '',
      validateOnly: false,
      prepare: async ({ deadline = Infinity }) => {
        const call = { signal, deadline };
        const release = await holdServers(target, { rows, ids }, call);
        try {
          known = await readDeletions(catalog, target, { ids, call });
        } catch (error) {
          release();
          throw error;
        }
        return release;
      },
      // A row's server that is deleted while the load waits has to be read again.
      basis: () => known && { revision: known.revision, deletionsOf: ids },
      decide: (context) =>
        decideLoad(context, { ...answer, user, deletions: known?.deletions ?? new Map() }),
    });
  } catch (cause) {
    if (!isSwitchboardError(cause, 'COMMIT_TOO_LARGE')) throw cause;
    const text = 'the differences do not fit in one commit of 8 MB';
    throw new SwitchboardError('SOURCE_TOO_LARGE', text, { cause });
  }
}

/** Holds the servers of the rows, and what the user may lose, with all their grants. */
function holdServers(
  { tenant, user }: LoadTarget,
  { rows, ids }: { readonly rows: readonly LoadedRow[]; readonly ids: ReadonlySet<string> },
  call: CallOptions,
): Promise<() => void> {
  const owners = rows.map(({ owner }) => owner).filter(isPossibleId);
  return holdAll([
    holdOwned(tenant, user, call),
    holdOwners(tenant, owners, call),
    tenant.log.holdRecords([...ids], call),
  ]);
}

async function readDeletions(
  { projections }: Catalog,
  { tenant: { log } }: LoadTarget,
  { ids, call }: { readonly ids: ReadonlySet<string>; readonly call: CallOptions },
): Promise<KnownDeletions> {
  const deletions = new Map<string, Deletion>();
  // Of ids that have a server at this revision nothing has to be read.
  const { revision } = log.position;
  const absent = [...ids].filter((id) => log.byId(id) === undefined);
  if (absent.length === 0) return { revision, deletions };
  const options = { ...call, atLeast: revision };
  const { value } = await projections.serversById(log.tenant, absent, options);
  await Promise.all(
    value.map(async (server) => {
      if (server === undefined || !isTombstone(server)) return;
      const query = { id: server.id, limit: 1 };
      const [newest] = (await projections.versions(log.tenant, query, options)).value;
      // Projections may be ahead: who brought it back then is seen at the head.
      if (newest !== undefined && newest.declared === undefined)
        deletions.set(server.id, deletionOf(newest));
    }),
  );
  return { revision, deletions };
}

function deletionOf(version: ServerVersion): Deletion {
  const { revision, generation, createTime, lastUpdatedAt } = version;
  return { revision, generation, createTime, lastUpdatedAt };
}

/** Blank ones are refused with their rows; nothing can be held for them. */
function isPossibleId(owner: string): boolean {
  return owner.trim() !== '';
}
