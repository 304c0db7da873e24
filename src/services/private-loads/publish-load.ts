import type { ServerVersion } from '../../domain/server.js';
import { isSwitchboardError, SwitchboardError } from '../../domain/errors.js';
import { decideLoad, type Deletion } from '../../domain/commands/load/decide-load.js';
import {
  serverIdOfRow,
  type LoadedRow,
  type SourceRights,
} from '../../domain/commands/load/rows.js';
import { userSubject } from '../../domain/view.js';
import { isTombstone, type Catalog } from '../../storage/catalog.js';
import { holdAll, holdOwners } from '../writes/write-request.js';
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
}

/** Which of the rows' servers were deleted, as of a revision. */
interface KnownDeletions {
  readonly revision: number;
  readonly deletions: ReadonlyMap<string, Deletion>;
}

/**
 * Publishes what a source returned, in one commit. Throws LOAD_CONFLICT, USER_PURGED,
 * SOURCE_TOO_LARGE if it does not fit in a commit, and what the committer throws.
 */
export async function publishLoad(
  catalog: Catalog,
  target: LoadTarget,
  answer: SourceAnswer,
): Promise<void> {
  const { tenant, user } = target;
  const { rights, rows } = answer;
  const ids = new Set(rows.map(({ rowId }) => serverIdOfRow(rights.source, rowId)));
  let known: KnownDeletions | undefined;
  try {
    await tenant.committer.submit({
      actor: `private-source:${rights.source}`,
      reason: '',
      validateOnly: false,
      prepare: async () => {
        const release = await holdServers(target, answer, ids);
        try {
          known = await readDeletions(catalog, target, ids);
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

/** Holds, with all their grants, the servers of the rows and those that the user may lose. */
function holdServers(
  { tenant, user }: LoadTarget,
  { rights, rows }: SourceAnswer,
  ids: ReadonlySet<string>,
): Promise<() => void> {
  const { log } = tenant;
  const owners = [user, ...rows.map(({ owner }) => owner)].filter(isPossibleId);
  const seen = [...log.privateOf(userSubject(user))].flatMap(({ record }) =>
    record.privateSource === rights.source ? [record.id] : [],
  );
  return holdAll([
    holdOwners(tenant, owners),
    ...[...new Set([...ids, ...seen])].map((id) => log.holdRecord(id)),
  ]);
}

async function readDeletions(
  catalog: Catalog,
  { tenant: { log } }: LoadTarget,
  ids: ReadonlySet<string>,
): Promise<KnownDeletions> {
  const deletions = new Map<string, Deletion>();
  // At this revision the others exist.
  let revision = log.position.revision;
  const absent = [...ids].filter((id) => log.byId(id) === undefined);
  await Promise.all(
    absent.map(async (id) => {
      const found = await catalog.serverById(log.tenant, id);
      revision = Math.min(revision, found.revision);
      if (found.value === undefined || !isTombstone(found.value)) return;
      const versions = await catalog.versions(log.tenant, { id, limit: 1 });
      revision = Math.min(revision, versions.revision);
      const [deletion] = versions.value;
      if (deletion !== undefined) deletions.set(id, deletionOf(deletion));
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
