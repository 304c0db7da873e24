import { demandRole } from '../../domain/caller.js';
import { awaitedName, awaitedNamespace } from '../../domain/commands/load/source.js';
import type { LoadRecord, LoadStatus } from '../../domain/load-record.js';
import { userSubject, userView } from '../../domain/view.js';
import type { Catalog } from '../../storage/catalog.js';
import { validateId, type Answer, type RequestContext } from '../request.js';
import type { Tenants } from '../tenants.js';
import type { LoadSource, LoadTarget } from './load-deps.js';
import type { PrivateLoads } from './private-loads.js';

export interface LoadCallDeps {
  readonly tenants: Tenants;
  readonly catalog: Catalog;
  readonly loads: PrivateLoads;
  readonly sourceOf: (tenant: string) => LoadSource | undefined;
  /** Milliseconds since 1970, for people. */
  readonly wallClock: () => number;
}

/** Loads the private servers of a user, if they are not loaded; with `force` in any case. */
export async function loadPrivateServers(
  deps: LoadCallDeps,
  context: RequestContext,
  { user, force }: { readonly user: string; readonly force: boolean },
): Promise<Answer<LoadStatus>> {
  if (force) demandRole(context.caller, 'node');
  return withUser({ deps, context, user }, async (target) => {
    const { loads } = deps;
    if (force) await loads.reload(target, context.signal);
    else await loads.demand(target.tenant, userView(user), context.signal);
  });
}

/** Returns how far they are loaded; loads nothing. */
export function getPrivateLoadStatus(
  deps: LoadCallDeps,
  context: RequestContext,
  { user }: { readonly user: string },
): Promise<Answer<LoadStatus>> {
  return withUser({ deps, context, user }, () => Promise.resolve());
}

interface UserCall {
  readonly deps: LoadCallDeps;
  readonly context: RequestContext;
  readonly user: string;
}

async function withUser(
  { deps, context, user }: UserCall,
  body: (target: LoadTarget) => Promise<void>,
): Promise<Answer<LoadStatus>> {
  validateId(user, 'user');
  const tenant = await deps.tenants.get(context.tenant);
  const release = await tenant.log.hold([userSubject(user)], { signal: context.signal });
  try {
    await body({ tenant, user });
    return {
      value: statusOf(deps, { tenant, user }),
      position: tenant.log.position,
      upstream: tenant.upstream.status(),
    };
  } finally {
    release();
  }
}

/** The status as it is now; the subjects of the user have to be held. */
export function statusOf(deps: LoadCallDeps, target: LoadTarget): LoadStatus {
  const { loads, sourceOf, wallClock } = deps;
  const { tenant, user } = target;
  const from = sourceOf(tenant.log.tenant);
  const load = tenant.log.loadOf(user);
  const { loading, failure } = loads.progressOf(target);
  const waitMs = failure?.retryDelayMs;
  return {
    ...(load ?? NEVER_LOADED),
    user,
    state: stateOf(load, awaitedNamespace(tenant.log.privateSource(), from?.source.name)),
    source: awaitedName(tenant.log.privateSource(), from?.source.name) ?? '',
    loading,
    failure,
    nextAttemptTime: waitMs === undefined ? undefined : wallClock() + waitMs,
  };
}

const NEVER_LOADED = { serverCount: 0, loadTime: 0, revision: 0, refused: [], refusedCount: 0 };

/** Without a source the Catalog is the source, and the view holds the user by now. */
function stateOf(load: LoadRecord | undefined, namespace: string | undefined): LoadStatus['state'] {
  if (load?.state === 'purged') return 'purged';
  if (namespace === undefined) return 'loaded';
  return load?.state === 'loaded' && load.source !== namespace ? 'cold' : (load?.state ?? 'cold');
}
