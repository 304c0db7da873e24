import type { Lease } from '../../storage/leases.js';
import type { LoadDeps, LoadTarget } from './load-deps.js';

/** Work that the fleet should do once. */
export interface LeasedWork {
  /** Gives up waiting for the lease. */
  readonly signal: AbortSignal;
  /** Whether the log shows that somebody did the work meanwhile. */
  readonly isDone: () => boolean;
  readonly work: () => Promise<void>;
}

const LEASE_MS = 30_000;
/** So many leases in a row are lost before work begins; then it is done without. */
const MAX_LOSSES = 3;

/**
 * Loads a user while holding the lease of the user, or without one where leases cannot be
 * had. Who waits for the lease waits for the log too: the commit of another's load ends the
 * waiting. A lease that is lost before the work begins is asked for again; work under way
 * goes on, since its commit says whether it came too late.
 */
export async function underLease(
  { leases }: LoadDeps,
  { tenant: { log }, user }: LoadTarget,
  { signal, isDone, work }: LeasedWork,
): Promise<void> {
  const key = `private-load/${log.tenant}/${user}`;
  for (let losses = 0; !isDone();) {
    const loaded = new AbortController();
    const stopListening = log.onStep(({ commit, after }) => {
      const isOfUser = commit.loads?.some((load) => load.after.user === user) === true;
      if (isOfUser && after.loadOf(user)?.state !== 'invalidated') loaded.abort();
    });
    const options = { ttlMs: LEASE_MS, signal: AbortSignal.any([signal, loaded.signal]) };
    try {
      const isLost = await leases.withLease(key, options, async (lease: Lease) => {
        stopListening();
        // The holder before may have committed what is not known here yet.
        await log.catchUp(undefined, { signal });
        if (isDone()) return false;
        if (lease.signal.aborted && losses < MAX_LOSSES) return true;
        await work();
        return false;
      });
      if (!isLost) return;
      losses += 1;
    } catch (error) {
      if (!loaded.signal.aborted || signal.aborted) throw error;
    } finally {
      stopListening();
    }
  }
}
