import {
  ApplyResult_Action,
  ApplyServersRequest,
  type ApplyServersResponse,
  BatchGetServersRequest,
  type BatchGetServersResponse,
  ExplainAccessRequest,
  type ExplainAccessResponse,
  ListServerVersionsRequest,
  type ListServerVersionsResponse,
  RollbackServerRequest,
  type RollbackServerResponse,
  UndeleteServerRequest,
  type UndeleteServerResponse,
} from '../../../generated/switchboard/v1/registry_service.js';
import { fromRpcStatus } from '../../../src/wire/status.js';
import type { Admin, Init } from './grpc-admin.js';
import { call } from '../grpc/unary-call.js';

type On = Pick<Admin, 'registry'>;

const extras = () => ({ options: { deadline: Date.now() + 60_000 } });

export function applyServers(
  { registry }: On,
  request: Init<typeof ApplyServersRequest>,
): Promise<ApplyServersResponse> {
  return call(registry, 'applyServers', ApplyServersRequest.fromPartial(request), extras());
}

export function batchGet(
  { registry }: On,
  request: Init<typeof BatchGetServersRequest>,
): Promise<BatchGetServersResponse> {
  return call(registry, 'batchGetServers', BatchGetServersRequest.fromPartial(request), extras());
}

export function explainAccess(
  { registry }: On,
  request: Init<typeof ExplainAccessRequest>,
): Promise<ExplainAccessResponse> {
  return call(registry, 'explainAccess', ExplainAccessRequest.fromPartial(request), extras());
}

export function listVersions(
  { registry }: On,
  request: Init<typeof ListServerVersionsRequest>,
): Promise<ListServerVersionsResponse> {
  const full = ListServerVersionsRequest.fromPartial(request);
  return call(registry, 'listServerVersions', full, extras());
}

export function rollbackServer(
  { registry }: On,
  request: Init<typeof RollbackServerRequest>,
): Promise<RollbackServerResponse> {
  return call(registry, 'rollbackServer', RollbackServerRequest.fromPartial(request), extras());
}

export function undeleteServer(
  { registry }: On,
  request: Init<typeof UndeleteServerRequest>,
): Promise<UndeleteServerResponse> {
  return call(registry, 'undeleteServer', UndeleteServerRequest.fromPartial(request), extras());
}

/** The name of each action without its prefix, with the reason where it was refused. */
export function actionsOf({ results }: ApplyServersResponse): readonly string[] {
  return results.map(({ action, server, error }) => {
    const word = ApplyResult_Action[action].replace('ACTION_', '');
    return `${word} ${error === undefined ? (server?.name ?? '?') : fromRpcStatus(error).reason}`;
  });
}
