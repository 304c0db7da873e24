import { awaitedNamespace } from '../../domain/commands/load/source.js';
import { isSwitchboardError, SwitchboardError } from '../../domain/errors.js';
import { userSubject } from '../../domain/view.js';
import type { Slots } from '../concurrency/slots.js';
import type { LoadDeps, LoadSource, LoadTarget } from './load-deps.js';
import { publishLoad } from './publish-load.js';

/** One load. */
export interface LoadRun {
  readonly from: LoadSource;
  readonly slots: Slots;
  /** Loads whatever is loaded, also for a purged user. */
  readonly insists: boolean;
  readonly signal: AbortSignal;
}

const LEASE_MS = 30_000;
/** What a load would change was changed so often meanwhile: then it fails. */
const MAX_TRIES = 8;

/**
 * Loads the private servers of a user: under a lease, so that the fleet asks the source
 * once, and published by a commit that is right also without the lease (L1 to L3).
 */
export async function runLoad(deps: LoadDeps, target: LoadTarget, run: LoadRun): Promise<void> {
  const { log } = target.tenant;
  const release = await log.hold([userSubject(target.user)]);
  try {
    const known = log.loadOf(target.user)?.revision ?? 0;
    const key = `private-load/${log.tenant}/${target.user}`;
    await deps.leases.withLease(key, { ttlMs: LEASE_MS, signal: run.signal }, async (lease) => {
      await log.catchUp();
      if (!run.insists && isLoadedSince(target, known)) return;
      await loadUntilPublished(deps, target, { ...run, signal: lease.signal });
    });
  } finally {
    release();
  }
}

function isLoadedSince({ tenant, user }: LoadTarget, revision: number): boolean {
  const load = tenant.log.loadOf(user);
  return load !== undefined && load.state !== 'invalidated' && load.revision > revision;
}

async function loadUntilPublished(deps: LoadDeps, target: LoadTarget, run: LoadRun): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await loadOnce(deps, target, run);
      return;
    } catch (error) {
      if (!isSwitchboardError(error, 'LOAD_CONFLICT') || tries === MAX_TRIES) throw error;
      // Asked anew: what was answered may be older than what is there now.
    }
  }
}

async function loadOnce(
  { catalog, failpoint }: LoadDeps,
  target: LoadTarget,
  { from, slots, insists, signal }: LoadRun,
): Promise<void> {
  const { source, policy } = from;
  const { tenant, user } = target;
  const { log } = tenant;
  await log.catchUp();
  const since = log.position.revision;
  await failpoint('load.before');
  const rows = await slots(() => source.load({ tenant: log.tenant, user }, { signal }));
  if (signal.aborted) throw new SwitchboardError('CANCELLED');
  await failpoint('load.answered');
  const namespace = awaitedNamespace(log.privateSource(), source.name) ?? source.name;
  const rights = { source: source.name, namespace, foreignOwners: policy.foreignOwners };
  await publishLoad(catalog, target, { rights, rows, since, insists });
}
