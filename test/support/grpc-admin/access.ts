import {
  GrantAccessRequest,
  type GrantAccessResponse,
  ListGrantsRequest,
  type ListGrantsResponse,
  RevokeAccessRequest,
  type RevokeAccessResponse,
  SetAccessRequest,
  type SetAccessResponse,
} from '../../../generated/switchboard/v1/access.js';
import {
  DemoteServerRequest,
  type DemoteServerResponse,
  PromoteServerRequest,
  type PromoteServerResponse,
} from '../../../generated/switchboard/v1/registry_service.js';
import type { Admin, Init } from './grpc-admin.js';
import { call } from '../grpc/unary-call.js';

type On = Pick<Admin, 'registry'>;

const extras = () => ({ options: { deadline: Date.now() + 60_000 } });

export function setAccess(
  { registry }: On,
  request: Init<typeof SetAccessRequest>,
): Promise<SetAccessResponse> {
  return call(registry, 'setAccess', SetAccessRequest.fromPartial(request), extras());
}

export function grantAccess(
  { registry }: On,
  request: Init<typeof GrantAccessRequest>,
): Promise<GrantAccessResponse> {
  return call(registry, 'grantAccess', GrantAccessRequest.fromPartial(request), extras());
}

export function revokeAccess(
  { registry }: On,
  request: Init<typeof RevokeAccessRequest>,
): Promise<RevokeAccessResponse> {
  return call(registry, 'revokeAccess', RevokeAccessRequest.fromPartial(request), extras());
}

export function listGrants(
  { registry }: On,
  request: Init<typeof ListGrantsRequest>,
): Promise<ListGrantsResponse> {
  return call(registry, 'listGrants', ListGrantsRequest.fromPartial(request), extras());
}

export function promoteServer(
  { registry }: On,
  request: Init<typeof PromoteServerRequest>,
): Promise<PromoteServerResponse> {
  return call(registry, 'promoteServer', PromoteServerRequest.fromPartial(request), extras());
}

export function demoteServer(
  { registry }: On,
  request: Init<typeof DemoteServerRequest>,
): Promise<DemoteServerResponse> {
  return call(registry, 'demoteServer', DemoteServerRequest.fromPartial(request), extras());
}
