import { ClientError } from '../client-error.js';
import type { RetireCause } from './pool-event.js';
import type { PoolParts } from './pool-parts.js';
import { drainLimit, type CallLimit, type PooledConnection } from './pooled-connection.js';
import { isOfConfig, lookUp, type Sighting, type Slot } from './slot.js';

/**
 * Follows an applied change, see AppliedListener: of the given servers and those that may be
 * shadowed by them, or of all. Retires connections that no longer match or no longer have
 * the name, and ends connects that were begun for an older config. Synchronous, so that from
 * the moment a change is applied nothing older is lent.
 */
export function followView(
  parts: PoolParts,
  changedIds: ReadonlySet<string> | undefined,
  names: ReadonlySet<string>,
): void {
  const { view, slots, stock } = parts;
  const concerns = ({ serverId, identity, name }: Slot): boolean =>
    changedIds === undefined ||
    changedIds.has(serverId) ||
    (identity.user !== undefined && names.has(name));
  slots.endFlights((slot) => {
    if (slot.flight === undefined || !concerns(slot)) return false;
    const seen = slot.seen(view);
    return seen !== 'unknown' && !isOfConfig(seen, slot.flight.configHash);
  });
  for (const [connection, slot] of stock.all()) {
    if (concerns(slot)) reviewConnection(parts, connection, slot);
  }
}

function reviewConnection(
  { view, limits }: PoolParts,
  connection: PooledConnection,
  slot: Slot,
): void {
  const revoked: CallLimit = {
    afterMs: limits.revokeGraceMs,
    error: () => new ClientError('ACCESS_REVOKED', undefined, { sent: true }),
  };
  connection.failCalls(
    revoked,
    (caller) => lookUp(view, connection.serverId, caller) === undefined,
  );
  if (connection.state !== 'live') return;
  const seen = slot.seen(view);
  if (seen === 'unknown' || isOfConfig(seen, connection.configHash)) return;
  connection.retire(causeOf(seen), drainLimit(limits));
}

function causeOf(seen: Exclude<Sighting, 'unknown'>): RetireCause {
  if (seen === undefined) return 'revoked';
  if (seen === 'shadowed') return 'shadowed';
  return seen.spec.enabled ? 'config' : 'disabled';
}
