import { RETRY_DEFAULTS, type RetryPolicy } from '../../domain/inspection.js';
import { SAFE_POLICY, type TransportPolicy } from '../../domain/transport-policy.js';
import type { Catalog } from '../../storage/catalog.js';
import type { Leases } from '../../storage/leases.js';
import type { Tenants } from '../tenants.js';
import type { Inspector } from './inspector.js';

/** How this replica inspects. */
export interface InspectionOptions {
  /** Whether it inspects by itself: at the start, after changes, and again what failed. */
  readonly automatic: boolean;
  /** Whether it starts processes to inspect them. */
  readonly stdio: boolean;
  /** Where PRIVATE servers may be. */
  readonly policy: TransportPolicy;
  /** For one inspection. Milliseconds. */
  readonly timeoutMs: number;
  /** Inspections at once that nobody waits for. */
  readonly concurrency: number;
  readonly retry: RetryPolicy;
  /** From 0 to 1; spreads what is tried again. */
  readonly random: () => number;
}

export const INSPECTION_DEFAULTS: InspectionOptions = Object.freeze({
  automatic: true,
  stdio: false,
  policy: SAFE_POLICY,
  timeoutMs: 30_000,
  concurrency: 8,
  retry: RETRY_DEFAULTS,
  random: Math.random,
});

/** How a replica is told to inspect; what is not said is as in INSPECTION_DEFAULTS. */
export interface InspectionSetup extends Partial<InspectionOptions> {
  /** Closed with the inspections. */
  readonly inspector: Inspector;
  readonly leases: Leases;
  /** Name of this replica in what it observes. */
  readonly replicaId: string;
}

/** What inspections work with. */
export interface InspectionDeps {
  readonly tenants: Tenants;
  readonly catalog: Catalog;
  readonly leases: Leases;
  readonly inspector: Inspector;
  /** Name of this replica in what it observes. */
  readonly replicaId: string;
  /** Told what goes wrong; it is tried again. */
  readonly onBackgroundError: (error: unknown) => void;
  readonly options: InspectionOptions;
}

/** Which server. */
export interface InspectionTarget {
  readonly tenant: string;
  readonly id: string;
}

/** A string that is equal for one server only. */
export function targetKey({ tenant, id }: InspectionTarget): string {
  return JSON.stringify([tenant, id]);
}
