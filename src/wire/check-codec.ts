import * as message from '../../generated/switchboard/v1/connection_service.js';
import { invalidField, isSwitchboardError, type SwitchboardError } from '../domain/errors.js';
import type { CheckResult, HeldConnection } from '../domain/held-connection.js';
import { LIMITS } from '../domain/limits.js';
import { demandCount } from '../domain/validate.js';
import { itemLimits } from './limits/check-limits.js';
import { toServerMessageWithoutFacts } from './server-codec.js';
import { toRpcStatus } from './status.js';
import { fromReaderViewMessage, toHeaderMessage, type HeaderFacts } from './view-codec.js';

const checkItem = itemLimits('switchboard.v1.HeldConnection');

/**
 * The items of a request; what is wrong with one stands in its place. Throws INVALID_FIELD for
 * a request of too many.
 */
export function fromCheckItems(
  items: readonly message.HeldConnection[],
): (HeldConnection | SwitchboardError)[] {
  demandCount(items, 'items', { least: 1, most: LIMITS.connections });
  return items.map((item) => {
    try {
      checkItem(item);
      return fromItem(item);
    } catch (error) {
      if (isSwitchboardError(error)) return error;
      throw error;
    }
  });
}

export function toCheckResponse(
  header: HeaderFacts,
  results: readonly CheckResult[],
): message.CheckConnectionsResponse {
  return { header: toHeaderMessage(header), results: results.map(toResult) };
}

function fromItem({ view, server, builtFrom, serverId }: message.HeldConnection): HeldConnection {
  if (server === undefined || server.value === '')
    throw invalidField('server', 'is required: a name or an id');
  if (builtFrom === undefined)
    throw invalidField('built_from', 'is required: config_hash or last_updated_at');
  return {
    view: fromReaderViewMessage(view, 'view'),
    key: server.$case === 'name' ? { name: server.value } : { id: server.value },
    serverId,
    builtFrom:
      builtFrom.$case === 'configHash'
        ? { configHash: builtFrom.value }
        : { lastUpdatedAt: builtFrom.value.getTime() },
  };
}

function toResult(result: CheckResult): message.CheckResult {
  const { STATE_CURRENT, STATE_GONE, STATE_STALE, STATE_UNSPECIFIED } = message.CheckResult_State;
  switch (result.state) {
    case 'current':
      return { state: STATE_CURRENT, server: undefined, error: undefined };
    case 'gone':
      return { state: STATE_GONE, server: undefined, error: undefined };
    case 'stale':
      return {
        state: STATE_STALE,
        server: toServerMessageWithoutFacts(result.server.record),
        error: undefined,
      };
    case 'failed':
      return { state: STATE_UNSPECIFIED, server: undefined, error: toRpcStatus(result.error) };
  }
}
