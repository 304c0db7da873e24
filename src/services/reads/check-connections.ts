import { isSwitchboardError, type SwitchboardError } from '../../domain/errors.js';
import type { CheckResult, HeldConnection } from '../../domain/held-connection.js';
import { holdView } from '../private-loads/hold-view.js';
import { findServer, readableTenant, type ReadDeps } from './get-server.js';
import { validateId, validateView, type Answer, type RequestContext } from '../request.js';
import type { TenantState } from '../replica/tenant-state.js';

/**
 * Whether what each connection was built from is still the current configuration. Each
 * item is answered by itself: what is wrong with one hides no other (C7).
 */
export async function checkConnections(
  deps: ReadDeps,
  context: RequestContext,
  items: readonly (HeldConnection | SwitchboardError)[],
): Promise<Answer<readonly CheckResult[]>> {
  const tenant = await readableTenant(deps, context, '');
  const { log } = tenant;
  const releases: (() => void)[] = [];
  const hold = async ({ view, key }: HeldConnection): Promise<void> => {
    validateView(view, 'view');
    if ('id' in key) validateId(key.id, 'id');
    releases.push(await holdView(deps.loads, { tenant, view }, context.signal));
  };
  try {
    const held = await Promise.all(items.map((item) => settled(item, hold)));
    // One turn: all items are of one revision, and nothing of them has cooled down.
    const value = held.map((item): CheckResult =>
      isSwitchboardError(item) ? { state: 'failed', error: item } : check(log, item),
    );
    return { value, position: log.position, upstream: tenant.upstream.status() };
  } finally {
    for (const release of releases) release();
  }
}

async function settled(
  item: HeldConnection | SwitchboardError,
  hold: (item: HeldConnection) => Promise<void>,
): Promise<HeldConnection | SwitchboardError> {
  if (isSwitchboardError(item)) return item;
  try {
    await hold(item);
    return item;
  } catch (error) {
    if (isSwitchboardError(error)) return error;
    throw error;
  }
}

function check(log: TenantState, item: HeldConnection): CheckResult {
  const server = findServer(log, item.view, item.key);
  if (server === undefined || !server.record.spec.enabled) return { state: 'gone' };
  const { id, configHash, lastUpdatedAt } = server.record;
  const sameServer = item.serverId === '' || item.serverId === id;
  const sameConfig =
    'configHash' in item.builtFrom
      ? item.builtFrom.configHash === configHash
      : item.builtFrom.lastUpdatedAt === lastUpdatedAt;
  return sameServer && sameConfig ? { state: 'current' } : { state: 'stale', server };
}
