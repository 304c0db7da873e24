import { decodeToken } from '../domain/token.js';
import { subjectsOf, type View } from '../domain/view.js';
import type { Catalog } from '../storage/catalog.js';
import { authorizeView, validateView, type CallerContext } from './request.js';
import type { Tenant, Tenants } from './tenants.js';
import type { Audience, Held } from './watch/audience.js';
import { ResolvedAudience, type WatchEncoder } from './watch/resolved-audience.js';
import { checkResume } from './watch/resume.js';
import type { FrameSink } from './watch/sink.js';
import type { WatchLimits } from './watch/watch-limits.js';
import { Watcher } from './watch/watcher.js';

export interface WatchDeps {
  readonly tenants: Tenants;
  readonly catalog: Catalog;
  readonly limits: WatchLimits;
  /** Milliseconds, monotonic. */
  readonly monotonic: () => number;
}

export interface WatchQuery {
  readonly view: View;
  /** Empty for none. */
  readonly resumeToken: string;
  readonly held: Held;
}

/**
 * Follows one view on `sink`. Resolves when the stream is live, and throws what refuses
 * it; from then on the stream ends by itself.
 */
export async function watchServers(
  deps: WatchDeps & { readonly encoderOf: (tenant: Tenant, id: string) => WatchEncoder },
  context: CallerContext & { readonly sink: FrameSink },
  { view, resumeToken, held }: WatchQuery,
): Promise<void> {
  authorizeView(context, view);
  validateView(view, 'view');
  const token =
    resumeToken === '' ? undefined : decodeToken(context.tenant, resumeToken, 'resume_token');
  const tenant = await deps.tenants.get(context.tenant);
  const { log } = tenant;
  const release = await (view.kind === 'inventory'
    ? log.holdInventory()
    : log.hold(subjectsOf(view)));
  const watcher = openWatcher(deps, tenant, {
    audience: new ResolvedAudience(view, deps.encoderOf(tenant, context.tenant)),
    sink: context.sink,
    onEnd: release,
  });
  const place = token && (await checkResume({ log, catalog: deps.catalog }, token, view));
  if (watcher.ended) return;
  if (typeof place === 'object') await watcher.resume(place);
  else await watcher.snapshot(held, place);
}

/** A stream that the hub of the tenant knows until it ends. */
export function openWatcher(
  deps: WatchDeps,
  { log, hub }: Tenant,
  stream: { readonly audience: Audience; readonly sink: FrameSink; readonly onEnd: () => void },
): Watcher {
  const watcher = new Watcher(stream.audience, stream.sink, {
    log,
    catalog: deps.catalog,
    limits: deps.limits,
    now: deps.monotonic,
    snapshotSlot: hub.snapshotSlot,
    // Not `watcher`: a stream that is over already ends while it is made.
    onEnd: (ended) => {
      hub.remove(ended);
      stream.onEnd();
    },
  });
  if (!watcher.ended) hub.register(watcher);
  return watcher;
}
