import { changedId } from '../../domain/commit.js';
import type { Decision, DecisionContext } from '../../domain/commands/decide.js';
import { invalidField } from '../../domain/errors.js';
import { decideRollback, decideUndelete } from '../../domain/commands/restore.js';
import type { ShadowPolicy } from '../../domain/commands/shadow.js';
import {
  isShared,
  type Declaration,
  type ServerRecord,
  type ServerVersion,
} from '../../domain/server.js';
import type { Catalog } from '../../storage/catalog.js';
import type { WriteIntent } from '../commit/intent.js';
import { readExactly, type ExactResult } from '../replica/exact-read.js';
import { validateId, type Answer, type RequestContext } from '../request.js';
import type { Tenant } from '../tenants.js';
import { underShadowPolicy, type ShadowingIntent } from './shadow-policy.js';
import {
  answerOf,
  changeOf,
  checkOptions,
  checkTarget,
  holdAll,
  holdOwners,
  written,
  type WriteDeps,
  type WriteOptions,
} from './write-request.js';

export interface RestoreDeps extends WriteDeps {
  readonly catalog: Catalog;
}

export interface RollbackInput extends WriteOptions {
  readonly id: string;
  readonly etag: string;
  /** The version to return to. */
  readonly generation: number;
  readonly policy: ShadowPolicy;
}

export interface UndeleteInput extends WriteOptions {
  readonly id: string;
  readonly policy: ShadowPolicy;
}

/** A server after a change of what is declared, with what that was before. */
export interface ChangedServer {
  readonly record: ServerRecord;
  /** The same as `record` if nothing effective changed. */
  readonly before: Declaration;
}

/** Declares an older version anew. Where that changes nothing, answers the server as it is (R4). */
export async function rollbackServer(
  deps: RestoreDeps,
  context: RequestContext,
  input: RollbackInput,
): Promise<Answer<ChangedServer>> {
  checkOptions(input);
  checkTarget(input, '');
  const { id, etag, generation } = input;
  if (generation < 1) throw invalidField('generation', 'must be at least 1');
  const tenant = await deps.tenants.get(context.tenant);
  let current: ServerRecord | undefined;
  const query = { id, before: generation + 1, limit: 1 };
  const outcome = await tenant.committer.submit({
    ...written('rollback', context, input),
    ...fromVersions(deps, tenant, {
      query,
      policy: input.policy,
      decide: (at, [found]) => {
        current = at.state.byId(id)?.record;
        const version = found?.generation === generation ? found : undefined;
        return decideRollback(at, { id, etag, version });
      },
    }),
  });
  const { before, after } = changeOf(outcome);
  const record = after ?? current;
  if (record === undefined) throw new Error('a rollback without a record');
  return answerOf(tenant, outcome, { record, before: before ?? record });
}

/** Puts a deleted server back, under its id. */
export async function undeleteServer(
  deps: RestoreDeps,
  context: RequestContext,
  input: UndeleteInput,
): Promise<Answer<ServerRecord>> {
  checkOptions(input);
  validateId(input.id, 'id');
  const tenant = await deps.tenants.get(context.tenant);
  const { id } = input;
  const outcome = await tenant.committer.submit({
    ...written('undelete', context, input),
    ...fromVersions(deps, tenant, {
      query: { id, limit: 2 },
      policy: input.policy,
      decide: (at, versions) => decideUndelete(at, { id, versions }),
    }),
  });
  const { after } = changeOf(outcome);
  if (after === undefined) throw new Error('an undelete without a record');
  return answerOf(tenant, outcome, after);
}

interface VersionsIntent {
  readonly policy: ShadowPolicy;
  readonly query: { readonly id: string; readonly before?: number; readonly limit: number };
  readonly decide: (
    at: DecisionContext,
    versions: readonly ServerVersion[],
  ) => Decision | undefined;
}

/**
 * A decision that looks at versions of a server as well. They are in no state: they are read
 * again whenever the server has changed since.
 */
function fromVersions(
  { catalog }: RestoreDeps,
  tenant: Tenant,
  { query, policy, decide }: VersionsIntent,
): Pick<WriteIntent, 'prepare' | 'basis' | 'decide'> {
  const { log } = tenant;
  let read: ExactResult<readonly ServerVersion[]>;
  const intent: ShadowingIntent = {
    policy,
    names: () =>
      read.value.flatMap(({ declared }) => (declared && isShared(declared) ? [declared.name] : [])),
    prepare: async (call) => {
      read = await readExactly(
        { ...call, log, catalog },
        {
          query: (options) => catalog.projections.versions(log.tenant, query, options),
          concerns: (change) => changedId(change) === query.id,
        },
      );
      const owners = read.value.map(({ declared }) => declared?.owner);
      return holdAll([log.holdRecords([query.id], call), holdOwners(tenant, owners, call)]);
    },
    basis: () => ({ ids: [query.id], revision: read.position.revision }),
    decide: (at) => decide(at, read.value),
  };
  return underShadowPolicy({ catalog, tenant }, intent);
}
