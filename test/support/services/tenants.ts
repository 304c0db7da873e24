import { NO_FAILPOINT } from '../../../src/domain/failpoint.js';
import { Tenants, type TenantsDeps } from '../../../src/services/tenants.js';
import type { World } from './world.js';
import { OPEN_POLICY } from '../transport-policy.js';

/** The tenants of a replica without its background work; what goes wrong there fails the test. */
export function tenantsOf(
  { catalog, relay }: Pick<World, 'catalog' | 'relay'>,
  more: Partial<TenantsDeps> = {},
): Tenants {
  return new Tenants({
    catalog,
    relay,
    failpoint: NO_FAILPOINT,
    wallClock: Date.now,
    monotonic: () => 0,
    transportPolicy: OPEN_POLICY,
    maxSnapshots: 1,
    maxReplays: 1,
    isLoaded: () => true,
    report: (error) => {
      throw error;
    },
    ...more,
  });
}
