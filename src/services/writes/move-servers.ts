import { randomUUID } from 'node:crypto';
import {
  decideDemote,
  decidePromote,
  type DemoteIntent,
  type PromoteIntent,
} from '../../domain/commands/move.js';
import { hiddenBy, MAX_NAMESAKES } from '../../domain/commands/shadow.js';
import type { ServerRecord, StoredServer } from '../../domain/server.js';
import { readSubjects } from '../../domain/subjects.js';
import type { Catalog } from '../../storage/catalog.js';
import type { WriteOutcome } from '../commit/intent.js';
import { fromNamesakes, readNamedBefore } from '../reads/namesakes.js';
import { validateId, type Answer, type RequestContext } from '../request.js';
import type { Tenant } from '../tenants.js';
import {
  answerOf,
  changeOf,
  checkOptions,
  checkTarget,
  demandFits,
  withoutIdentity,
  written,
  type WriteDeps,
  type WriteOptions,
} from './write-request.js';
import type { AffectedAudience } from './write-servers.js';

export interface MoveDeps extends WriteDeps {
  readonly catalog: Catalog;
}

export type PromoteInput = WriteOptions & Omit<PromoteIntent, 'named' | 'copyId'>;

export interface DemoteInput extends WriteOptions, Omit<DemoteIntent, 'subjects'> {
  /** As they came, not yet checked. */
  readonly subjects: readonly string[];
}

/** A server that moved between PRIVATE and the shared tiers. */
export interface MovedServer {
  /** As it is now; the copy if it was promoted by one. With `validateOnly` a copy has no id. */
  readonly record: ServerRecord;
  readonly affected: AffectedAudience;
  /** Private servers of the name that it hides from now on, or hid until now. */
  readonly namesakes: readonly ServerRecord[];
  /** Whether there are more of them. */
  readonly moreNamesakes: boolean;
}

/** Makes a PRIVATE server a shared one, or a copy of it if a private source has it (rule 28). */
export async function promoteServer(
  deps: MoveDeps,
  context: RequestContext,
  input: PromoteInput,
): Promise<Answer<MovedServer>> {
  checkOptions(input);
  checkTarget(input, '');
  const { signal } = context;
  const tenant = await deps.tenants.get(context.tenant);
  const copyId = randomUUID();
  let named: readonly StoredServer[] | undefined;
  const outcome = await tenant.committer.submit({
    ...written('promote', context, input),
    ...fromNamesakes(deps.catalog, tenant, {
      id: input.id,
      owners: [],
      decide: (at, servers) => {
        named = servers;
        return decidePromote(at, { ...input, named: servers, copyId });
      },
    }),
  });
  return movedAnswer(deps, tenant, { outcome, named, signal, name: ({ after }) => after?.name });
}

/** Makes a shared server a PRIVATE one of an owner and of those whom it is granted to. */
export async function demoteServer(
  deps: MoveDeps,
  context: RequestContext,
  input: DemoteInput,
): Promise<Answer<MovedServer>> {
  checkOptions(input);
  checkTarget(input, '');
  validateId(input.owner, 'owner');
  const subjects = readSubjects(input.subjects);
  const { signal } = context;
  const tenant = await deps.tenants.get(context.tenant);
  let named: readonly StoredServer[] | undefined;
  const outcome = await tenant.committer.submit({
    ...written('demote', context, input),
    ...fromNamesakes(deps.catalog, tenant, {
      id: input.id,
      owners: [input.owner],
      decide: (at, servers) => {
        named = servers;
        return decideDemote(at, { ...input, subjects });
      },
    }),
  });
  return movedAnswer(deps, tenant, { outcome, named, signal, name: ({ before }) => before?.name });
}

interface Move {
  readonly outcome: WriteOutcome;
  /** What was decided on. */
  readonly named: readonly StoredServer[] | undefined;
  /** The name that the server had or has while it is shared. */
  readonly name: (change: ReturnType<typeof changeOf>) => string | undefined;
  /** Of the caller. */
  readonly signal: AbortSignal;
}

async function movedAnswer(
  deps: MoveDeps,
  tenant: Tenant,
  { outcome, named, name, signal }: Move,
): Promise<Answer<MovedServer>> {
  if (outcome.kind === 'unchanged') demandFits(outcome.decision);
  const change = changeOf(outcome);
  const { before, after } = change;
  if (after === undefined) throw new Error('a move without a record');
  const isOnlyChecked = outcome.kind === 'unchanged' && before === undefined;
  const servers =
    outcome.kind === 'committed' && outcome.repeated
      ? await readNamedBefore(
          { log: tenant.log, catalog: deps.catalog, signal },
          { name: name(change) ?? after.name, commit: outcome.commit },
        )
      : named;
  const hidden = hiddenBy(after.id, servers ?? []);
  return answerOf(tenant, outcome, {
    record: isOnlyChecked ? withoutIdentity(after) : after,
    affected: { everyone: true, subjects: [] },
    namesakes: hidden.slice(0, MAX_NAMESAKES),
    moreNamesakes: hidden.length > MAX_NAMESAKES,
  });
}
