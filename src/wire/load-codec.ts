import { Status } from '../../generated/google/rpc/status.js';
import type { ResponseHeader } from '../../generated/switchboard/v1/common.js';
import * as message from '../../generated/switchboard/v1/private_load.js';
import { invalidField, SwitchboardError } from '../domain/errors.js';
import type { LoadStatus, RefusedRow } from '../domain/load-record.js';
import { keyOf } from './key-of.js';
import { tenantOf } from './node-messages.js';
import { writeFields, type Command, type Read, type WriteFields } from './registry-codec.js';
import { fromRpcStatus, toRpcStatus } from './status.js';
import { toHeaderMessage, type HeaderFacts } from './view-codec.js';

const STATES = {
  cold: message.PrivateLoad_State.STATE_COLD,
  loaded: message.PrivateLoad_State.STATE_LOADED,
  invalidated: message.PrivateLoad_State.STATE_INVALIDATED,
  purged: message.PrivateLoad_State.STATE_PURGED,
} as const;

export function fromLoadPrivateServers(
  request: message.LoadPrivateServersRequest,
): Command<{ user: string; force: boolean }> {
  const { user, force } = request;
  return { tenant: tenantOf(request.tenant), command: { user, force } };
}

export function fromGetPrivateLoadStatus(
  request: message.GetPrivateLoadStatusRequest,
): Read<{ user: string }> {
  return { tenant: tenantOf(request.tenant), query: { user: request.user } };
}

export function fromInvalidateUser(
  request: message.InvalidateUserRequest,
): Command<{ user: string; requestId: string; reason: string }> {
  const { user, requestId, reason } = request;
  return { tenant: tenantOf(request.tenant), command: { user, requestId, reason } };
}

export function fromPurgeUser(
  request: message.PurgeUserRequest,
): Command<WriteFields & { user: string }> {
  const { user } = request;
  return { tenant: tenantOf(request.tenant), command: { ...writeFields(request), user } };
}

/** An answer that holds a load. */
export function toLoadResponse(
  header: HeaderFacts,
  load: LoadStatus,
): { header: ResponseHeader; load: message.PrivateLoad } {
  return { header: toHeaderMessage(header), load: toLoadMessage(load) };
}

export function toPurgeUserResponse(
  header: HeaderFacts,
  counts: { readonly deletedCount: number; readonly revokedCount: number },
): message.PurgeUserResponse {
  return { header: toHeaderMessage(header), ...counts };
}

function toLoadMessage(load: LoadStatus): message.PrivateLoad {
  const { user, source, loading, serverCount, revision, refusedCount } = load;
  const { loadTime, nextAttemptTime } = load;
  return {
    user,
    source,
    loading,
    serverCount,
    revision,
    refusedCount,
    state: STATES[load.state],
    loadTime: loadTime === 0 ? undefined : new Date(loadTime),
    refused: load.refused.map(toRefusedRow),
    failure: load.failure && toRpcStatus(load.failure),
    nextAttemptTime: nextAttemptTime === undefined ? undefined : new Date(nextAttemptTime),
  };
}

/** Reads a load that the server sent. Throws INVALID_FIELD if it is none. */
export function fromLoadMessage(load: message.PrivateLoad | undefined): LoadStatus {
  if (load === undefined) throw invalidField('load', 'is required');
  const { user, source, loading, serverCount, revision, refusedCount } = load;
  const { loadTime, failure, nextAttemptTime } = load;
  const state = keyOf(STATES, load.state);
  if (state === undefined) throw invalidField('load.state', 'is required');
  return {
    user,
    source,
    state,
    loading,
    serverCount,
    revision,
    refusedCount,
    loadTime: loadTime?.getTime() ?? 0,
    refused: load.refused.map(fromRefusedRow),
    failure: failure && fromRpcStatus(failure),
    nextAttemptTime: nextAttemptTime?.getTime(),
  };
}

function fromRefusedRow({ rowId, name, error }: message.RefusedRow): RefusedRow {
  const { reason, message: text } = fromRpcStatus(error ?? Status.fromPartial({}));
  return { rowId, name, reason, message: text };
}

function toRefusedRow({ rowId, name, reason, message: text }: RefusedRow): message.RefusedRow {
  return { rowId, name, error: toRpcStatus(new SwitchboardError(reason, text)) };
}
