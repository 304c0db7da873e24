import type { ChannelCredentials, ChannelOptions } from '@grpc/grpc-js';
import { ConnectionServiceClient } from '../../generated/switchboard/v1/connection_service.js';
import { RegistryServiceClient } from '../../generated/switchboard/v1/registry_service.js';
import { CLIENT_KEEPALIVE } from './keepalive.js';

export {
  GrantAccessRequest,
  ListGrantsRequest,
  RevokeAccessRequest,
  SetAccessRequest,
} from '../../generated/switchboard/v1/access.js';
export type {
  ListGrantsResponse,
  SetAccessResponse,
} from '../../generated/switchboard/v1/access.js';
export type { ConnectionServiceClient, RegistryServiceClient };
export {
  AccessCandidate_Verdict as Verdict,
  ApplyResult_Action as ApplyAction,
  ApplyServersRequest,
  ApplyServersResponse,
  BatchGetServersRequest,
  Cause,
  DemoteServerRequest,
  ExplainAccessRequest,
  GetServerRequest,
  InspectServerRequest,
  ListServersRequest,
  ListServersResponse,
  ListServerVersionsRequest,
  ListServerVersionsResponse,
  PromoteServerRequest,
  RollbackServerRequest,
  ShadowPolicy,
  UndeleteServerRequest,
  WatchServersRequest,
} from '../../generated/switchboard/v1/registry_service.js';
export type {
  AccessCandidate,
  ApplyResult,
  ExplainAccessResponse,
  FieldChange,
  NamedServer,
  RollbackServerResponse,
  ServerEvent,
  ServerVersion,
  WatchServersResponse,
} from '../../generated/switchboard/v1/registry_service.js';

export {
  GetPrivateLoadStatusRequest,
  InvalidateUserRequest,
  LoadPrivateServersRequest,
  PrivateLoad_State as LoadState,
  PurgeUserRequest,
} from '../../generated/switchboard/v1/private_load.js';
export {
  GetPrivateSourceRequest,
  PrivateSource_State as SourceState,
  RemovePrivateSourceRequest,
  RemovePrivateSourceRequest_Servers as SourceServers,
  RenamePrivateSourceRequest,
} from '../../generated/switchboard/v1/private_source.js';
export type {
  PrivateSource,
  RemovePrivateSourceResponse,
  RenamePrivateSourceResponse,
} from '../../generated/switchboard/v1/private_source.js';
export type {
  PrivateLoad,
  PurgeUserResponse,
} from '../../generated/switchboard/v1/private_load.js';

export {
  InspectionFailureReason,
  OauthNeed,
  ProtocolEra,
} from '../../generated/switchboard/v1/server.js';

/** The largest answer that clients accept. A commit has at most 8 MB. */
const MAX_RECEIVE_BYTES = 16 * 1024 * 1024;

/** Options of every channel to Switchboard; `overrides` win. */
export function channelOptions(overrides: ChannelOptions = {}): ChannelOptions {
  return {
    ...CLIENT_KEEPALIVE,
    'grpc.max_receive_message_length': MAX_RECEIVE_BYTES,
    // Retries by grpc-js would keep every message of a long stream for repeating it.
    'grpc.enable_retries': 0,
    'grpc.enable_channelz': 0,
    ...overrides,
  };
}

/** A client of RegistryService at `target`, such as `127.0.0.1:7070`. Its owner closes it. */
export function createRegistryClient(
  target: string,
  credentials: ChannelCredentials,
  options?: ChannelOptions,
): RegistryServiceClient {
  return new RegistryServiceClient(target, credentials, channelOptions(options));
}

/** A client of ConnectionService at `target`. Its owner closes it. */
export function createConnectionClient(
  target: string,
  credentials: ChannelCredentials,
  options?: ChannelOptions,
): ConnectionServiceClient {
  return new ConnectionServiceClient(target, credentials, channelOptions(options));
}
