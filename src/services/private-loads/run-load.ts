import { awaitedNamespace } from '../../domain/commands/load/source.js';
import { grantsOf } from '../../domain/commands/load/sight.js';
import { isSwitchboardError } from '../../domain/errors.js';
import { userSubject } from '../../domain/view.js';
import type { Slots } from '../concurrency/slots.js';
import type { LoadDeps, LoadSource, LoadTarget } from './load-deps.js';
import { publishLoad } from './publish-load.js';
import { underLease } from './under-lease.js';

/** One load. */
export interface LoadRun {
  readonly from: LoadSource;
  readonly slots: Slots;
  /** Loads whatever is loaded, also for a purged user. */
  readonly isForced: boolean;
  readonly signal: AbortSignal;
  /** Why nobody should ask the source for this user now, if a load has failed elsewhere. */
  readonly failureElsewhere: () => Error | undefined;
  /** Called before the lease is released, so that whoever gets it next knows. */
  readonly onFailed: (error: unknown) => void;
  /** Called with true before a commit of this load, with false after it. */
  readonly onPublishing: (isPublishing: boolean) => void;
}

/** What a load would change was changed so often meanwhile: then it fails. */
const MAX_TRIES = 8;

/**
 * Loads the private servers of a user: under a lease, so that the fleet asks the source
 * once, and published by a commit that is right also without the lease (L1 to L3). The
 * slot towards the source is taken first: who holds a lease waits for nobody.
 */
export async function runLoad(deps: LoadDeps, target: LoadTarget, run: LoadRun): Promise<void> {
  const { log } = target.tenant;
  const release = await log.hold([userSubject(target.user)], { signal: run.signal });
  try {
    const known = log.loadOf(target.user)?.revision ?? 0;
    const isDone = (): boolean => !run.isForced && isLoadedSince(target, known);
    await run.slots(() =>
      underLease(deps, target, {
        signal: run.signal,
        isDone,
        work: () => loadOrReport(deps, target, { ...run, isDone }),
      }),
    );
  } finally {
    release();
  }
}

function isLoadedSince({ tenant, user }: LoadTarget, revision: number): boolean {
  const load = tenant.log.loadOf(user);
  return load !== undefined && load.state !== 'invalidated' && load.revision > revision;
}

type Run = LoadRun & { readonly isDone: () => boolean };

async function loadOrReport(deps: LoadDeps, target: LoadTarget, run: Run): Promise<void> {
  const failure = run.isForced ? undefined : run.failureElsewhere();
  if (failure !== undefined) throw failure;
  try {
    await loadUntilPublished(deps, target, run);
  } catch (error) {
    run.onFailed(error);
    throw error;
  }
}

async function loadUntilPublished(deps: LoadDeps, target: LoadTarget, run: Run): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await loadOnce(deps, target, run);
      return;
    } catch (error) {
      if (!isSwitchboardError(error, 'LOAD_CONFLICT') || tries === MAX_TRIES) throw error;
      await target.tenant.log.catchUp(undefined, { signal: run.signal });
      // Whoever was first may have loaded the user; else the answer may be older than what is
      // there now, and the source is asked anew.
      if (run.isDone()) return;
    }
  }
}

async function loadOnce(
  { catalog, failpoint }: LoadDeps,
  target: LoadTarget,
  { from, isForced, signal, onPublishing }: Run,
): Promise<void> {
  const { source, policy } = from;
  const { tenant, user } = target;
  const { log } = tenant;
  await log.catchUp(undefined, { signal });
  const since = log.position.revision;
  const grants = grantsOf(log, user);
  await failpoint('load.before');
  const rows = await source.load({ tenant: log.tenant, user }, { signal });
  signal.throwIfAborted();
  await failpoint('load.answered');
  const namespace = awaitedNamespace(log.privateSource(), source.name) ?? source.name;
  const rights = { source: source.name, namespace, foreignOwners: policy.foreignOwners };
  onPublishing(true);
  try {
    await publishLoad(catalog, target, { rights, rows, since, grants, isForced, signal });
  } finally {
    onPublishing(false);
  }
}
