import { changedId, positionOf, type Change } from '../../domain/commit.js';
import { invalidField, SwitchboardError } from '../../domain/errors.js';
import type { ServerKey } from '../../domain/held-connection.js';
import { maySee, resolve, type StateIndex } from '../../domain/resolve.js';
import type { StoredServer } from '../../domain/server.js';
import { decodeToken, namesPosition, sameEpoch, type Token } from '../../domain/token.js';
import { subjectsOf, type ReaderView, type View } from '../../domain/view.js';
import type { Catalog } from '../../storage/catalog.js';
import { isTombstone, type ProjectionOptions } from '../../storage/projections.js';
import { holdView } from '../private-loads/hold-view.js';
import type { PrivateLoads } from '../private-loads/private-loads.js';
import {
  authorizeView,
  validateId,
  validateView,
  type Answer,
  type CallerContext,
  type RequestContext,
} from '../request.js';
import { readExactly } from '../replica/exact-read.js';
import type { TenantState } from '../replica/tenant-state.js';
import type { Tenant, Tenants } from '../tenants.js';

export interface GetQuery {
  readonly view: View;
  readonly key: ServerKey;
  /** A token; empty for none. */
  readonly atLeast: string;
}

export interface ReadDeps {
  readonly tenants: Tenants;
  readonly catalog: Catalog;
  readonly loads: PrivateLoads;
}

/** The longest that a timer can be told. */
const MAX_WAIT_MS = 2 ** 31 - 1;

/** The server of a name or an id in a view. Warm, it does no I/O. */
export async function getServer(
  deps: ReadDeps,
  context: RequestContext,
  query: GetQuery,
): Promise<Answer<StoredServer>> {
  const warm = getWarmServer(deps, context, query);
  if (warm !== undefined) return warm;
  const { view, key, atLeast } = query;
  const tenant = await readableTenant(deps, context, atLeast);
  if (view.kind === 'inventory') {
    const { signal } = context;
    return getFromInventory(deps, tenant, { key, signal });
  }
  // Held while it is looked at: it must not cool down in between.
  const release = await holdView(deps.loads, { tenant, view }, context.signal);
  try {
    return answerFrom(tenant, { view, key });
  } finally {
    release();
  }
}

/** What `getServer` answers, at once; undefined if that has to wait for anything. */
export function getWarmServer(
  deps: ReadDeps,
  context: CallerContext,
  { view, key, atLeast }: GetQuery,
): Answer<StoredServer> | undefined {
  authorizeView(context, view);
  validateView(view, 'view');
  if ('id' in key) validateId(key.id, 'id');
  if (atLeast !== '' || view.kind === 'inventory') return undefined;
  const tenant = deps.tenants.peek(context.tenant);
  if (tenant === undefined || !isAnswerable(deps, tenant, { view, key })) return undefined;
  return answerFrom(tenant, { view, key });
}

/** Whether all that decides the answer is here: of a name that is shared, that alone. */
function isAnswerable(
  { loads }: ReadDeps,
  tenant: Tenant,
  { view, key }: Pick<GetQuery, 'key'> & { readonly view: ReaderView },
): boolean {
  const { log } = tenant;
  if ('name' in key && log.shared(key.name) !== undefined) return true;
  return log.isWarm(subjectsOf(view)) && loads.isReady(tenant, view);
}

function answerFrom(
  { log, upstream }: Tenant,
  { view, key }: { readonly view: ReaderView; readonly key: ServerKey },
): Answer<StoredServer> {
  const found = findServer(log, view, key);
  if (found === undefined) throw notFound(key);
  return { value: found, position: log.position, upstream: upstream.status() };
}

/**
 * The server that a view finds by a key, of the records that the index has: it has to hold
 * the subjects of the view, for the inventory the record itself. The inventory resolves no name.
 */
export function findServer(
  index: StateIndex,
  view: View,
  key: ServerKey,
): StoredServer | undefined {
  if ('name' in key) return view.kind === 'inventory' ? undefined : resolve(index, key.name, view);
  const server = index.byId(key.id);
  return server !== undefined && maySee(server, view) ? server : undefined;
}

/** The tenant, at `atLeast` or beyond. */
export async function readableTenant(
  { tenants, catalog }: Pick<ReadDeps, 'tenants' | 'catalog'>,
  context: RequestContext,
  atLeast: string,
): Promise<Tenant> {
  const tenant = tenants.peek(context.tenant) ?? (await tenants.get(context.tenant));
  if (atLeast === '') return tenant;
  const token = decodeToken(context.tenant, atLeast, 'at_least');
  const { log } = tenant;
  if (!sameEpoch(token, log.position)) throw new SwitchboardError('EPOCH_CHANGED');
  if (token.revision > log.position.revision) await waitFor(log, token, context);
  if (!(await isOfHistory(log, catalog, { token, signal: context.signal })))
    throw new SwitchboardError('EPOCH_CHANGED');
  return tenant;
}

async function waitFor(log: TenantState, token: Token, context: RequestContext): Promise<void> {
  const waitMs = Math.max(1, Math.min(MAX_WAIT_MS, Math.trunc(context.waitMs)));
  const patience = AbortSignal.any([context.signal, AbortSignal.timeout(waitMs)]);
  try {
    await log.catchUp(undefined, { signal: patience });
    await log.reached(token.revision, patience);
  } catch (cause) {
    if (!patience.aborted) throw cause;
    throw new SwitchboardError('NOT_CAUGHT_UP', undefined, { retryDelayMs: 200, cause });
  }
}

/** Whether this log ever had the state that a token names; after a restore it may not have. */
async function isOfHistory(
  log: TenantState,
  catalog: Catalog,
  { token, signal }: { readonly token: Token; readonly signal: AbortSignal },
): Promise<boolean> {
  const { revision } = token;
  if (revision === log.position.revision) return namesPosition(token, log.position);
  const recent = log.recent.at(revision);
  const place =
    recent === undefined
      ? await catalog.log.positionAt(log.tenant, revision, { signal })
      : positionOf(log.position.epoch, recent);
  // Undefined: compacted, which only a state that was may be.
  return place === undefined || namesPosition(token, place);
}

async function getFromInventory(
  { catalog }: ReadDeps,
  { log, upstream }: Tenant,
  { key, signal }: { readonly key: ServerKey; readonly signal: AbortSignal },
): Promise<Answer<StoredServer>> {
  if (!('id' in key)) throw invalidField('key', 'the inventory view finds by id only');
  const read = {
    query: (options: ProjectionOptions) =>
      catalog.projections.serversById(log.tenant, [key.id], options),
    concerns: (change: Change) => changedId(change) === key.id,
  };
  const { position, value } = await readExactly({ log, catalog, signal }, read);
  const [server] = value;
  if (server === undefined || isTombstone(server)) throw notFound(key);
  return { value: server, position, upstream: upstream.status() };
}

/** The refusal of a key by which a view finds nothing. */
export function notFound(key: ServerKey): SwitchboardError {
  const metadata = 'name' in key ? { name: key.name } : { id: key.id };
  return new SwitchboardError('SERVER_NOT_FOUND', undefined, { metadata });
}
