import type * as message from '../../generated/switchboard/v1/registry_service.js';
import { invalidField, isSwitchboardError, type SwitchboardError } from '../domain/errors.js';
import type { ServerKey } from '../domain/held-connection.js';
import { LIMITS } from '../domain/limits.js';
import { demandCount } from '../domain/validate.js';
import type { View } from '../domain/view.js';
import { itemLimits } from './limits/check-limits.js';
import { tenantOf } from './node-messages.js';
import type { Read } from './registry-codec.js';
import { fromViewMessage } from './view-codec.js';

/**
 * Reads a batch; what is wrong with one key stands in its place. Throws INVALID_FIELD for a
 * batch of too many.
 */
export function fromBatchGetServers(
  request: message.BatchGetServersRequest,
): Read<{ view: View; keys: readonly (ServerKey | SwitchboardError)[]; atLeast: string }> {
  const { view, keys, atLeast } = request;
  demandCount(keys, 'keys', { least: 1, most: LIMITS.keys });
  return {
    tenant: tenantOf(request.tenant),
    query: { view: fromViewMessage(view, 'view'), keys: keys.map(fromKey), atLeast },
  };
}

const checkKey = itemLimits('switchboard.v1.ServerKey');

function fromKey(item: message.ServerKey, index: number): ServerKey | SwitchboardError {
  const path = `keys[${String(index)}]`;
  const { key } = item;
  if (key === undefined || key.value === '')
    return invalidField(path, 'a name or an id is required');
  try {
    checkKey(item, path);
  } catch (error) {
    if (isSwitchboardError(error)) return error;
    throw error;
  }
  return key.$case === 'name' ? { name: key.value } : { id: key.value };
}
