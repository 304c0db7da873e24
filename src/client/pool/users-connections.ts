import { viewKey, type ReaderView } from '../../domain/view.js';
import { ClientError } from '../client-error.js';
import type { PoolParts } from './pool-parts.js';
import { drainLimit, type PooledConnection } from './pooled-connection.js';
import { lookUp, type Slot } from './slot.js';

/** Whose connections are meant, and to which server. */
export interface OwnedConnections {
  /** Undefined: the shared ones. */
  readonly user: string | undefined;
  /** Undefined: to every server. */
  readonly serverId?: string | undefined;
}

/** Retires connections that were built from what the hooks would now answer differently. */
export function renewConnections(parts: PoolParts, meant: OwnedConnections): void {
  const { slots, stock, credentials, limits } = parts;
  const isMeant = (slot: Slot): boolean => isOwned(slot, meant);
  for (const slot of slots.of(meant.serverId)) if (isMeant(slot)) slot.backoff.clear();
  credentials.forget(meant.serverId, meant.user);
  slots.endFlights(isMeant);
  for (const [connection, slot] of stock.all()) {
    if (isMeant(slot) && connection.state === 'live') {
      connection.retire('renewed', drainLimit(limits));
    }
  }
}

/**
 * Closes connections, also those that are being made; their calls fail with DISCONNECTED.
 * Resolves with how many there were when they are closed.
 */
export async function closeConnections(
  { slots, stock }: PoolParts,
  isMeant: (slot: Slot) => boolean,
): Promise<number> {
  slots.endFlights(isMeant, new ClientError('DISCONNECTED'));
  const closing = [...stock.all()].filter(([, slot]) => isMeant(slot));
  return disconnectAll(closing.map(([connection]) => connection));
}

/** The same for those that are open to a server of this name, which nobody knows any more. */
export async function closeByName(
  { stock }: PoolParts,
  meant: OwnedConnections,
  name: string,
): Promise<number> {
  const closing = [...stock.all()].filter(
    ([connection, slot]) => isOwned(slot, meant) && connection.origin.server.name === name,
  );
  return disconnectAll(closing.map(([connection]) => connection));
}

/** Whether a slot is of the given connections. */
export function isOwned({ identity, serverId }: Slot, meant: OwnedConnections): boolean {
  return (
    identity.user === meant.user && (meant.serverId === undefined || serverId === meant.serverId)
  );
}

/** Milliseconds since the connections that a view used had a call; see PoolScope.idleForMs. */
export function idleForMs({ slots, stock }: PoolParts, view: ReaderView): number {
  const key = viewKey(view);
  for (const slot of slots.of()) if (slot.flight !== undefined && slot.viewers.has(key)) return 0;
  let usedAt = -Infinity;
  for (const [connection, slot] of stock.all()) {
    if (!slot.viewers.has(key)) continue;
    if (connection.callsInFlight > 0) return 0;
    usedAt = Math.max(usedAt, connection.lastUsedAt);
  }
  return performance.now() - usedAt;
}

/**
 * Takes a view of a user away from what it used. `others`, further views of that user, take
 * over what they may see; what no view is left for is closed. Resolves as `closeConnections`.
 */
export async function leaveView(
  parts: PoolParts,
  view: ReaderView,
  others: readonly ReaderView[],
): Promise<number> {
  if (view.kind === 'app') return 0;
  const key = viewKey(view);
  for (const slot of parts.slots.of()) {
    if (!slot.viewers.delete(key)) continue;
    for (const other of others) {
      // One that is not known yet keeps it, until it is.
      if (lookUp(parts.view, slot.serverId, other) !== undefined) {
        slot.viewers.set(viewKey(other), other);
      }
    }
  }
  return closeConnections(
    parts,
    (slot) => slot.identity.user === view.user && !slot.isViewed(parts.view),
  );
}

async function disconnectAll(connections: readonly PooledConnection[]): Promise<number> {
  const error = (): ClientError => new ClientError('DISCONNECTED', undefined, { sent: true });
  for (const connection of connections) connection.retire('disconnected', { afterMs: 0, error });
  await Promise.all(connections.map((connection) => connection.whenClosed));
  return connections.length;
}
