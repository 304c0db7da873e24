import { isRestricted } from '../../domain/transport-policy.js';
import { refusalBy } from '../node-policy.js';
import type { PoolParts } from './pool-parts.js';
import { drainLimit } from './pooled-connection.js';

/**
 * Follows a change of the transport policy. Connections to which the policy applies take no more
 * calls, as what their hosts resolved to was allowed by the one before. Where the new one refuses
 * the server by itself, calls in flight are failed, after `revokeGraceMs`.
 */
export function followPolicy({ policy, stock, limits }: PoolParts): void {
  for (const [connection] of stock.all()) {
    const { server } = connection.origin;
    if (!isRestricted(server)) continue;
    const refusal = refusalBy(policy, server);
    const limit =
      refusal === undefined
        ? drainLimit(limits)
        : { afterMs: limits.revokeGraceMs, error: () => refusal };
    connection.retire('policy', limit);
  }
}
