import { invalidField, isSwitchboardError, SwitchboardError } from '../../domain/errors.js';
import type { ServerKey } from '../../domain/held-connection.js';
import type { StoredServer } from '../../domain/server.js';
import type { View } from '../../domain/view.js';
import { countFitting } from './answer-size.js';
import { holdView } from '../private-loads/hold-view.js';
import { findServer, notFound, readableTenant, type ReadDeps } from './get-server.js';
import {
  authorizeView,
  validateId,
  validateView,
  type Answer,
  type RequestContext,
} from '../request.js';
import type { TenantState } from '../replica/tenant-state.js';

export interface BatchQuery {
  readonly view: View;
  /** 1 to 1000; what is wrong with one stands in its place. */
  readonly keys: readonly (ServerKey | SwitchboardError)[];
  /** A token; empty for none. */
  readonly atLeast: string;
}

/**
 * What `getServer` answers for each key, all at one revision. Each key is answered by
 * itself: what is wrong with one hides no other, also what does not fit in one answer.
 */
export async function batchGetServers(
  deps: ReadDeps,
  context: RequestContext,
  { view, keys, atLeast }: BatchQuery,
): Promise<Answer<readonly (StoredServer | SwitchboardError)[]>> {
  authorizeView(context, view);
  validateView(view, 'view');
  const tenant = await readableTenant(deps, context, atLeast);
  const { log } = tenant;
  const checked = keys.map((key, index) => checkKey(key, view, `keys[${String(index)}]`));
  const release = await (view.kind === 'inventory'
    ? holdRecords(log, checked, context.signal)
    : holdView(deps.loads, { tenant, view }, context.signal));
  try {
    // One turn: all of it is of one revision.
    const found = checked.map((key) =>
      isSwitchboardError(key) ? key : (findServer(log, view, key) ?? notFound(key)),
    );
    const value = withinAnswer(found);
    return { value, position: log.position, upstream: tenant.upstream.status() };
  } finally {
    release();
  }
}

/** The first server is answered however large it is. */
function withinAnswer(
  found: readonly (StoredServer | SwitchboardError)[],
): readonly (StoredServer | SwitchboardError)[] {
  const servers = found.flatMap((each) => (isSwitchboardError(each) ? [] : [each]));
  const fitting = new Set(servers.slice(0, Math.max(1, countFitting(servers))));
  return found.map((each) =>
    isSwitchboardError(each) || fitting.has(each) ? each : new SwitchboardError('ANSWER_TOO_LARGE'),
  );
}

function checkKey(
  key: ServerKey | SwitchboardError,
  view: View,
  path: string,
): ServerKey | SwitchboardError {
  if (isSwitchboardError(key)) return key;
  try {
    if ('id' in key) validateId(key.id, `${path}.id`);
    else if (view.kind === 'inventory')
      throw invalidField(`${path}.name`, 'the inventory view finds by id only');
    return key;
  } catch (error) {
    if (isSwitchboardError(error)) return error;
    throw error;
  }
}

/** Brings in what the keys of the inventory can find: it is in no view, so one by one. */
function holdRecords(
  log: TenantState,
  keys: readonly (ServerKey | SwitchboardError)[],
  signal: AbortSignal,
): Promise<() => void> {
  const ids = new Set(keys.flatMap((key) => ('id' in key ? [key.id] : [])));
  return log.holdRecords([...ids], { signal });
}
