/** The client library of Switchboard: `import { openSwitchboard } from 'switchboard/client'`. */
export {
  openSwitchboard,
  type Switchboard,
  type SwitchboardOptions,
  type TlsOptions,
} from './open-switchboard.js';
export type { ServerLookup, UserHandle, UserOptions, ViewHandle } from './user-handle.js';
export { ClientError, isClientError, type ClientErrorReason } from './client-error.js';
export type { ClientStatus, StatusReason, StatusSource } from './status.js';
export type { SyncEvent, SyncEventListener } from './sync-event.js';
export type { KnownServer } from './server-view.js';
export type {
  CallOptions,
  Connection,
  ConnectionOutcome,
  GetOptions,
  PoolScope,
} from './pool/connection.js';
export type { PoolEvent, PoolEventListener } from './pool/pool-event.js';
export type { Credentials, CredentialsHook, CredentialsRequest } from './pool/credential-store.js';
export type {
  HookRequest,
  SecretsHook,
  UserValues,
  UserValuesHook,
} from './values/value-sources.js';
export type { RequestOptions, Tool, ToolCall, ToolResult } from '../mcp/mcp-connection.js';
export type { TransportPolicy } from '../domain/transport-policy.js';
export { isSwitchboardError, SwitchboardError, type ErrorReason } from '../domain/errors.js';
