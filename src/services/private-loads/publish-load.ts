import type { ServerVersion } from '../../domain/server.js';
import { isSwitchboardError, SwitchboardError } from '../../domain/errors.js';
import { decideLoad, type FormerLife } from '../../domain/commands/load/decide-load.js';
import {
  serverIdOfRow,
  type LoadedRow,
  type SourceRights,
} from '../../domain/commands/load/rows.js';
import type { Catalog } from '../../storage/catalog.js';
import { isTombstone } from '../../storage/projections.js';
import type { TenantState } from '../replica/tenant-state.js';
import { holdAll, holdOwned, holdOwners } from '../writes/write-request.js';
import type { LoadTarget } from './load-deps.js';

/** An answer of a source. */
export interface AnsweredLoad {
  readonly rights: SourceRights;
  readonly rows: readonly LoadedRow[];
  /** The confirmed head before the source was asked. */
  readonly since: number;
  readonly insists: boolean;
}

/** Former lives of servers that do not exist, as they were at a revision. */
interface Former {
  readonly ids: readonly string[];
  readonly revision: number;
  readonly lives: ReadonlyMap<string, FormerLife>;
}

/**
 * Publishes what a source answered, in one commit. Throws LOAD_CONFLICT, USER_PURGED,
 * SOURCE_TOO_LARGE if it does not fit in a commit, and what the committer throws.
 */
export async function publishLoad(
  catalog: Catalog,
  { tenant, user }: LoadTarget,
  load: AnsweredLoad,
): Promise<void> {
  const { rights, rows } = load;
  const { log } = tenant;
  const ids = [...new Set(rows.map(({ rowId }) => serverIdOfRow(rights.source, rowId)))];
  const owners = rows.map(({ owner }) => owner);
  let former: Former | undefined;
  try {
    await tenant.committer.submit({
      actor: `private-source:${rights.source}`,
      reason: '',
      validateOnly: false,
      prepare: async () => {
        const release = await holdAll([
          holdOwned(tenant, user),
          holdOwners(tenant, owners.filter(isPossibleId)),
          ...ids.map((id) => log.holdRecord(id)),
        ]);
        former = await readFormer(catalog, log, ids.filter(isUnknownTo(log)));
        return release;
      },
      basis: () => former,
      decide: (context) =>
        decideLoad(context, { ...load, user, former: former?.lives ?? new Map() }),
    });
  } catch (cause) {
    if (!isSwitchboardError(cause, 'COMMIT_TOO_LARGE')) throw cause;
    const text = 'the differences do not fit in one commit of 8 MB';
    throw new SwitchboardError('SOURCE_TOO_LARGE', text, { cause });
  }
}

async function readFormer(
  catalog: Catalog,
  { tenant, position }: TenantState,
  ids: readonly string[],
): Promise<Former> {
  const atLeast = position.revision;
  const lives = new Map<string, FormerLife>();
  let revision = Number.POSITIVE_INFINITY;
  if (ids.length === 0) return { ids, revision, lives };
  const found = await catalog.projections.serversById(tenant, ids, { atLeast });
  revision = Math.min(revision, found.from);
  await Promise.all(
    found.value.map(async (server) => {
      if (server === undefined || !isTombstone(server)) return;
      const { id } = server;
      const versions = await catalog.projections.versions(tenant, { id, limit: 1 }, { atLeast });
      revision = Math.min(revision, versions.from);
      const [deletion] = versions.value;
      if (deletion !== undefined) lives.set(id, lifeOf(deletion));
    }),
  );
  return { ids, revision, lives };
}

function lifeOf(deletion: ServerVersion): FormerLife {
  const { revision, generation, createTime, lastUpdatedAt } = deletion;
  return { revision, generation, createTime, lastUpdatedAt };
}

function isUnknownTo(state: { byId(id: string): unknown }): (id: string) => boolean {
  return (id) => state.byId(id) === undefined;
}

/** Blank ones are refused with their rows; nothing can be held for them. */
function isPossibleId(owner: string): boolean {
  return owner.trim() !== '';
}
