import type { SwitchboardError } from '../../domain/errors.js';
import { NO_FAILPOINT, type Failpoint } from '../../domain/failpoint.js';
import type { Catalog } from '../../storage/catalog.js';
import type { Leases } from '../../storage/leases.js';
import type { Relay } from '../../storage/relay.js';
import type { PrivateSources } from './private-source.js';
import type { Step } from '../replica/tenant-state.js';
import type { Tenants } from '../tenants.js';
import { invalidateUser } from './invalidate-user.js';
import { LoadFollower } from './load-follower.js';
import { getPrivateLoadStatus, loadPrivateServers } from './load-status.js';
import { PrivateLoads } from './private-loads.js';
import { purgeUser } from './purge-user.js';
import { removePrivateSource } from './remove-source.js';
import { getPrivateSource, renamePrivateSource } from './rename-source.js';

/** What loading needs of the replica around it. */
export interface PrivateLoadsSetup {
  readonly tenants: Tenants;
  readonly catalog: Catalog;
  readonly relay: Relay;
  readonly failpoint?: Failpoint;
  readonly onBackgroundError: (error: unknown) => void;
  readonly onSourceRefused?: (tenant: string, refusal: SwitchboardError) => void;
  readonly privateLoads?: {
    readonly sources: PrivateSources;
    readonly leases: Leases;
    readonly random?: () => number;
  };
  readonly monotonic: () => number;
  readonly wallClock: () => number;
}

/** The loads of one replica, what keeps them fresh, and the calls about them. */
export function createPrivateLoads(setup: PrivateLoadsSetup) {
  const { tenants, catalog, wallClock, privateLoads } = setup;
  const sourceOf: PrivateSources = privateLoads?.sources ?? (() => undefined);
  const loads = new PrivateLoads({
    ...setup,
    sourceOf,
    onSourceRefused:
      setup.onSourceRefused ?? ((_tenant, refusal) => setup.onBackgroundError(refusal)),
    leases: privateLoads?.leases ?? NO_LEASES,
    failpoint: setup.failpoint ?? NO_FAILPOINT,
    random: privateLoads?.random ?? Math.random,
  });
  const follower = new LoadFollower(loads);
  const deps = { tenants, catalog, loads, sourceOf, wallClock };
  return {
    loads,
    follower,
    calls: {
      loadPrivateServers: loadPrivateServers.bind(null, deps),
      getPrivateLoadStatus: getPrivateLoadStatus.bind(null, deps),
      invalidateUser: invalidateUser.bind(null, deps),
      purgeUser: purgeUser.bind(null, deps),
      getPrivateSource: getPrivateSource.bind(null, deps),
      renamePrivateSource: renamePrivateSource.bind(null, deps),
      removePrivateSource: removePrivateSource.bind(null, deps),
    },
    onStep(tenant: string, step: Step): void {
      loads.onStep(tenant, step);
      follower.onStep(tenant, step);
    },
    async close(): Promise<void> {
      follower.close();
      await loads.close();
    },
  };
}

/** Without a source nothing is loaded, and so nothing leased. */
const NO_LEASES: Leases = {
  withLease: () => Promise.reject(new Error('nothing to lease')),
  close: () => Promise.resolve(),
};
