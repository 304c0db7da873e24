import type { PoolParts } from './pool-parts.js';
import type { PooledConnection } from './pooled-connection.js';

/**
 * Looks once at every connection: one of a user that was idle for `idleMs` is closed, one
 * that was idle for `probeAfterMs` is probed. A connection with calls in flight is not
 * idle, and its calls have their own time. Shared ones are never closed for being idle.
 */
export function sweep({ slots, stock, credentials, limits }: PoolParts): void {
  const now = performance.now();
  for (const [connection] of stock.all()) {
    if (connection.state !== 'live' || connection.callsInFlight > 0) continue;
    const idleMs = now - connection.lastUsedAt;
    if (idleMs >= limits.idleMs && connection.origin.server.scope !== 'shared') {
      connection.retire('idle');
    } else if (idleMs >= limits.probeAfterMs) {
      probe(connection);
    }
  }
  slots.prune();
  credentials.prune((serverId) => slots.usersOf(serverId));
}

function probe(connection: PooledConnection): void {
  const sinceMs = performance.now() - connection.lastProbedAt;
  if (sinceMs < connection.origin.limits.probeAfterMs) return;
  connection.lastProbedAt = performance.now();
  // A failing probe tells the connection itself, which is retired by that.
  void connection.mcp.probe().catch(() => undefined);
}
