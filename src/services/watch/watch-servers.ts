import { decodeToken } from '../../domain/token.js';
import { subjectsOf, type ReaderView, type View } from '../../domain/view.js';
import type { Catalog } from '../../storage/catalog.js';
import { holdView } from '../private-loads/hold-view.js';
import type { LoadFollower } from '../private-loads/load-follower.js';
import type { PrivateLoads } from '../private-loads/private-loads.js';
import { authorizeView, validateView, type CallerContext } from '../request.js';
import type { Tenant, Tenants } from '../tenants.js';
import type { Audience, Held } from './audience.js';
import { ResolvedAudience, type WatchEncoder } from './resolved-audience.js';
import { checkResume } from './resume.js';
import type { FrameSink } from './sink.js';
import type { WatchLimits } from './watch-limits.js';
import { Watcher } from './watcher.js';

export interface WatchDeps {
  readonly tenants: Tenants;
  readonly catalog: Catalog;
  readonly limits: WatchLimits;
  readonly loads: PrivateLoads;
  readonly follower: LoadFollower;
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
  const place =
    token &&
    (await checkResume({ log, catalog: deps.catalog, signal: context.sink.signal }, token, view));
  const isKnown = typeof place === 'object';
  let release = (): void => undefined;
  const watcher = openWatcher(deps, tenant, {
    audience: new ResolvedAudience(view, deps.encoderOf(tenant, context.tenant)),
    sink: context.sink,
    onEnd: () => {
      release();
    },
  });
  if (watcher.ended) return;
  // A load may take long, and a stream is never silent.
  watcher.begin();
  try {
    const hold = await (view.kind === 'inventory'
      ? log.holdInventory()
      : holdFollowed(deps, { tenant, view, isKnown }, context.sink.signal));
    release = hold;
    if (context.sink.isGone) {
      hold();
      return;
    }
  } catch (error) {
    watcher.abandon();
    throw error;
  }
  if (isKnown) await watcher.resume(place);
  else await watcher.snapshot(held, place);
}

/**
 * Keeps what a view shows in the tenant's view and, from a private source, loaded, until the
 * answered function is called. A reader that knows the view already goes on behind the old
 * scope; any other waits for the load, as for a list.
 */
export async function holdFollowed(
  { loads, follower }: Pick<WatchDeps, 'loads' | 'follower'>,
  { tenant, view, isKnown }: FollowedView,
  signal: AbortSignal,
): Promise<() => void> {
  const release = isKnown
    ? await tenant.log.hold(subjectsOf(view), { signal })
    : await holdView(loads, { tenant, view }, signal);
  return followView({ follower }, { tenant, view }, release);
}

/** Keeps the load of a view that is held fresh, as long as it is; releases both. */
export function followView(
  { follower }: Pick<WatchDeps, 'follower'>,
  { tenant, view }: Pick<FollowedView, 'tenant' | 'view'>,
  release: () => void,
): () => void {
  if (view.kind !== 'user') return release;
  const unfollow = follower.follow({ tenant, user: view.user });
  return () => {
    unfollow();
    release();
  };
}

interface FollowedView {
  readonly tenant: Tenant;
  readonly view: ReaderView;
  /** Whether the reader was told of it before. */
  readonly isKnown: boolean;
}

/** A stream that the hub of the tenant knows until it ends. */
export function openWatcher(
  deps: Pick<WatchDeps, 'limits' | 'monotonic'>,
  { log, hub, snapshots, replays }: Tenant,
  stream: { readonly audience: Audience; readonly sink: FrameSink; readonly onEnd: () => void },
): Watcher {
  const watcher = new Watcher(stream.audience, stream.sink, {
    log,
    limits: deps.limits,
    now: deps.monotonic,
    snapshots,
    replays,
    // Not `watcher`: a stream that is over already ends while it is made.
    onEnd: (ended) => {
      hub.remove(ended);
      stream.onEnd();
    },
  });
  if (!watcher.ended) hub.register(watcher);
  return watcher;
}
