import type { SwitchboardError } from '../../domain/errors.js';
import type { Failpoint } from '../../domain/failpoint.js';
import type { Catalog } from '../../storage/catalog.js';
import type { Leases } from '../../storage/leases.js';
import type { Relay } from '../../storage/relay.js';
import type { PrivateSource, PrivateSourcePolicy } from './private-source.js';
import type { Tenant, Tenants } from '../tenants.js';

/** The private source of a tenant, and how it is used. */
export interface LoadSource {
  readonly source: PrivateSource;
  readonly policy: PrivateSourcePolicy;
}

/** What loading works with. */
export interface LoadDeps {
  readonly tenants: Tenants;
  readonly catalog: Catalog;
  readonly leases: Leases;
  readonly relay: Relay;
  readonly failpoint: Failpoint;
  readonly sourceOf: (tenant: string) => LoadSource | undefined;
  /** Milliseconds, monotonic. */
  readonly monotonic: () => number;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  readonly onBackgroundError: (error: unknown) => void;
  /** Told once for each change of a tenant's source after which this replica may not load. */
  readonly onSourceRefused: (tenant: string, refusal: SwitchboardError) => void;
}

/** For whom something is loaded. */
export interface LoadTarget {
  readonly tenant: Tenant;
  readonly user: string;
}

/** One key for a user of a tenant: ids hold no control characters. */
export function keyOf(tenant: string, user: string): string {
  return `${tenant}\0${user}`;
}

export function targetKey({ tenant, user }: LoadTarget): string {
  return keyOf(tenant.log.tenant, user);
}
