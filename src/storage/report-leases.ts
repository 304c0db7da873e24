import type { Leases } from './leases.js';

/** Whether leases can be had, and if not, why. */
export type LeaseAvailability =
  { readonly kind: 'available' } | { readonly kind: 'unavailable'; readonly cause: unknown };

/**
 * The same leases, which call `report` once when they can no longer be had, and once when
 * they can be had again: work done without them is right, but may be done several times.
 */
export function reportLeases(
  leases: Leases,
  report: (availability: LeaseAvailability) => void,
): Leases {
  let isAvailable = true;
  return {
    withLease: (key, options, body) =>
      leases.withLease(key, options, (lease) => {
        if (lease.isHeld !== isAvailable) {
          isAvailable = lease.isHeld;
          const { cause } = lease;
          report(isAvailable ? { kind: 'available' } : { kind: 'unavailable', cause });
        }
        return body(lease);
      }),
    close: () => leases.close(),
  };
}
