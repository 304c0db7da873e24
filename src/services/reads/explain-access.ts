import type { Position } from '../../domain/commit.js';
import { invalidField, SwitchboardError } from '../../domain/errors.js';
import { explain, withTransport, type Explanation } from '../../domain/explain.js';
import { rankNamed, type StateIndex } from '../../domain/resolve.js';
import type { StoredServer, Tombstone } from '../../domain/server.js';
import { normalName } from '../../domain/text-form.js';
import { checkName } from '../../domain/validate.js';
import type { View } from '../../domain/view.js';
import { readExactly, type ExactRead } from '../replica/exact-read.js';
import { pastState } from '../replica/past-state.js';
import { holdView } from '../private-loads/hold-view.js';
import { readableTenant, type ReadDeps } from './get-server.js';
import { validateView, type Answer, type RequestContext } from '../request.js';
import type { TenantState } from '../replica/tenant-state.js';

export interface ExplainQuery {
  readonly view: View;
  readonly name: string;
  /** A token; empty for none. */
  readonly atLeast: string;
}

export interface ExplainedAccess extends Explanation {
  /** Whether more have the name than are told. */
  readonly moreUnseen: boolean;
  readonly moreDeleted: boolean;
}

/** How many servers that the view does not see are returned, and how many deleted ones. */
const MAX_OTHERS = 100;
/** The Catalog is asked so often for one state before the log is taken to move too fast. */
const MAX_TRIES = 16;

/**
 * Which server a name resolves to in a view, and what became of every other one that has or
 * had the name, all of one state. As in `resolveIn`, a name in another form than NFC is looked
 * for as it is, then in NFC.
 */
export async function explainAccess(
  deps: ReadDeps,
  context: RequestContext,
  query: ExplainQuery,
): Promise<Answer<ExplainedAccess>> {
  const { view, name } = query;
  validateView(view, 'view');
  checkName(name, (description) => {
    throw invalidField('name', description);
  });
  const explained = await explainExactly(deps, context, query);
  const normal = normalName(name);
  if (normal === name || explained.value.candidates.length > 0) return explained;
  return explainExactly(deps, context, { ...query, name: normal });
}

async function explainExactly(
  deps: ReadDeps,
  context: RequestContext,
  { view, name, atLeast }: ExplainQuery,
): Promise<Answer<ExplainedAccess>> {
  const tenant = await readableTenant(deps, context, atLeast);
  const { log } = tenant;
  const release = await holdView(deps.loads, { tenant, view }, context.signal);
  try {
    const { signal } = context;
    const named = await readNamed(deps, log, { view, name, signal });
    const { position, ranked, others, deleted } = named;
    const servers = {
      ranked,
      unseen: others.slice(0, MAX_OTHERS),
      deleted: deleted.slice(0, MAX_OTHERS),
    };
    const explanation = withTransport(
      explain(name, view, servers),
      servers,
      tenant.transportPolicy,
    );
    const moreUnseen = others.length > MAX_OTHERS;
    const moreDeleted = deleted.length > MAX_OTHERS;
    const value = { ...explanation, moreUnseen, moreDeleted };
    return { value, position, upstream: tenant.upstream.status() };
  } finally {
    release();
  }
}

interface Named {
  readonly position: Position;
  readonly ranked: readonly StoredServer[];
  /** Those that the view does not see: one more than is told, if there are more. */
  readonly others: readonly StoredServer[];
  readonly deleted: readonly Tombstone[];
}

/** Everything of the name at one revision: the view is looked at as it was at that of the queries. */
async function readNamed(
  { catalog }: ReadDeps,
  log: TenantState,
  { view, name, signal }: Pick<ExplainQuery, 'view' | 'name'> & { readonly signal: AbortSignal },
): Promise<Named> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const expected = rank(log, name, view).length;
    const { projections } = catalog;
    const read: ExactRead<readonly [readonly StoredServer[], readonly Tombstone[]]> = {
      query: async (options) => {
        const limit = MAX_OTHERS + 1;
        const [named, deleted] = await Promise.all([
          projections.serversNamed(log.tenant, { name, limit: limit + expected }, options),
          projections.deletedNamed(log.tenant, { name, limit }, options),
        ]);
        return {
          from: Math.min(named.from, deleted.from),
          to: Math.max(named.to, deleted.to),
          value: [named.value, deleted.value],
        };
      },
      concerns: ({ before, after }) => before?.name === name || after?.name === name,
    };
    const { position, value } = await readExactly({ log, catalog, signal }, read);
    const past = pastState(log, position.revision);
    const ranked = past && rank(past, name, view);
    if (ranked === undefined || ranked.length > expected) continue;
    const [named, deleted] = value;
    const seen = new Set(ranked.map(({ record }) => record.id));
    const others = named.filter(({ record }) => !seen.has(record.id));
    return { position, ranked, others, deleted };
  }
  throw new SwitchboardError(
    'CATALOG_UNAVAILABLE',
    'the state kept changing while it was explained',
    {
      retryDelayMs: 1_000,
    },
  );
}

function rank(state: StateIndex, name: string, view: View): readonly StoredServer[] {
  return view.kind === 'inventory' ? [] : rankNamed(state, name, view);
}
