import { randomUUID } from 'node:crypto';
import { credentials, status, type Metadata, type ServiceError } from '@grpc/grpc-js';
import { View } from '../../../generated/switchboard/v1/common.js';
import {
  CheckConnectionsRequest,
  type CheckConnectionsResponse,
  type ConnectionServiceClient,
} from '../../../generated/switchboard/v1/connection_service.js';
import {
  ShadowPolicy,
  CreateServerRequest,
  type CreateServerResponse,
  DeleteServerRequest,
  type DeleteServerResponse,
  GetServerRequest,
  type GetServerResponse,
  ListServersRequest,
  type ListServersResponse,
  type RegistryServiceClient,
  UpdateServerRequest,
  type UpdateServerResponse,
} from '../../../generated/switchboard/v1/registry_service.js';
import { type Server, ServerSpec, Tier } from '../../../generated/switchboard/v1/server.js';
import { DEFAULT_TENANT } from '../../../src/domain/caller.js';
import { decodeToken } from '../../../src/domain/token.js';
import { fromStatus } from '../../../src/wire/status.js';
import { createConnectionStub, createRegistryStub } from '../grpc/stubs.js';
import { call, failureOf } from '../grpc/unary-call.js';

/** What a message can be made of: any part of it. */
export type Init<M extends { fromPartial(object: never): unknown }> = Parameters<
  M['fromPartial']
>[0];

/** Both services over one connection of their own, with promises. */
export interface Admin extends Disposable {
  readonly address: string;
  readonly registry: RegistryServiceClient;
  readonly connections: ConnectionServiceClient;
  get(request: Init<typeof GetServerRequest>): Promise<GetServerResponse>;
  list(request: Init<typeof ListServersRequest>): Promise<ListServersResponse>;
  create(request: Init<typeof CreateServerRequest>): Promise<CreateServerResponse>;
  update(request: Init<typeof UpdateServerRequest>): Promise<UpdateServerResponse>;
  remove(request: Init<typeof DeleteServerRequest>): Promise<DeleteServerResponse>;
  check(request: Init<typeof CheckConnectionsRequest>): Promise<CheckConnectionsResponse>;
  close(): void;
}

/** A client with a channel of its own; unary calls have so many milliseconds. */
export function openAdmin(address: string, metadata?: Metadata, timeoutMs = 30_000): Admin {
  const channel = { 'grpc.use_local_subchannel_pool': 1 };
  const registry = createRegistryStub(address, credentials.createInsecure(), channel);
  const connections = createConnectionStub(address, credentials.createInsecure(), {
    ...channel,
    channelOverride: registry.getChannel(),
  });
  const extras = (): { options: { deadline: number }; metadata?: Metadata } => ({
    options: { deadline: Date.now() + timeoutMs },
    ...(metadata === undefined ? {} : { metadata }),
  });
  const close = (): void => registry.close();
  return {
    address,
    registry,
    connections,
    get: (request) => call(registry, 'getServer', GetServerRequest.fromPartial(request), extras()),
    list: (request) =>
      call(registry, 'listServers', ListServersRequest.fromPartial(request), extras()),
    create: (request) =>
      call(registry, 'createServer', CreateServerRequest.fromPartial(request), extras()),
    update: (request) =>
      call(registry, 'updateServer', UpdateServerRequest.fromPartial(request), extras()),
    remove: (request) =>
      call(registry, 'deleteServer', DeleteServerRequest.fromPartial(request), extras()),
    check: (request) =>
      call(connections, 'checkConnections', CheckConnectionsRequest.fromPartial(request), extras()),
    close,
    [Symbol.dispose]: close,
  };
}

export const APP = View.fromPartial({ kind: { $case: 'app', value: {} } });
export const INVENTORY = View.fromPartial({ kind: { $case: 'inventory', value: {} } });

export function userView(user: string, groups: readonly string[] = []): View {
  return View.fromPartial({ kind: { $case: 'user', value: { user, groups: [...groups] } } });
}

/** The key of a server by its name, for a request. */
export function byName(name: string): NonNullable<GetServerRequest['key']> {
  return { $case: 'name', value: name };
}

/** The key of a server by its id, for a request. */
export function byId(id: string): NonNullable<GetServerRequest['key']> {
  return { $case: 'id', value: id };
}

/** A spec over streamable HTTP. */
export function httpSpec(url: string, rest: Init<typeof ServerSpec> = {}): ServerSpec {
  const transport = { $case: 'streamableHttp' as const, value: { url } };
  return ServerSpec.fromPartial({ transport, ...rest });
}

/** A spec of more than one MiB: of three such, two fit in one answer. */
export function largeSpec(): ServerSpec {
  const notes = Array.from({ length: 64 }, (_, n) => [`note-${String(n)}`, 'x'.repeat(16_384)]);
  return httpSpec('https://mcp.example/mcp', {
    annotations: new Map(notes as [string, string][]),
  });
}

/** A spec that starts a process. */
export function stdioSpec(command: string, rest: Init<typeof ServerSpec> = {}): ServerSpec {
  return ServerSpec.fromPartial({ transport: { $case: 'stdio', value: { command } }, ...rest });
}

/** What a call was refused with. */
export interface Refusal {
  /** Name of the gRPC code. */
  readonly code: string;
  /** Reason of ErrorInfo. */
  readonly reason: string;
  /** Paths in BadRequest. */
  readonly fields: readonly string[];
  /** Metadata of ErrorInfo. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Of RetryInfo, in milliseconds. */
  readonly retryDelayMs: number | undefined;
  /** The packed google.rpc.Status as it came. */
  readonly details: Buffer | undefined;
  readonly message: string;
}

/** The refusal that a call ends with; fails if it does not. */
export async function refusalOf(promise: Promise<unknown>): Promise<Refusal> {
  return toRefusal(await failureOf(promise));
}

/** What a ServiceError says. A status without ErrorInfo has the reason `none`. */
export function toRefusal(failure: Pick<ServiceError, 'code' | 'details' | 'metadata'>): Refusal {
  const error = fromStatus(failure);
  const [details] = failure.metadata.get('grpc-status-details-bin');
  return {
    code: status[failure.code],
    reason: details === undefined ? 'none' : error.reason,
    fields: error.violations.map(({ field }) => field),
    metadata: error.metadata,
    retryDelayMs: error.retryDelayMs,
    details: Buffer.isBuffer(details) ? details : undefined,
    message: failure.details,
  };
}

/** The revision that a token names. */
export function revisionOf(token: string | undefined, tenant = DEFAULT_TENANT): number {
  return decodeToken(tenant, token ?? '', 'token').revision;
}

/** The server of an answer, which must have one. */
export function serverOf(answer: { readonly server: Server | undefined }): Server {
  if (answer.server === undefined) throw new Error('the answer holds no server');
  return answer.server;
}

/** The token of an answer. */
export function tokenOf(answer: {
  readonly header: { readonly token: string } | undefined;
}): string {
  return answer.header?.token ?? '';
}

/** A tenant that no other test uses. */
export function newTenant(): string {
  return `tenant-${randomUUID()}`;
}

/** The newest revision of a tenant. */
export async function newestRevision(admin: Admin, tenant: string): Promise<number> {
  return revisionOf(tokenOf(await admin.list({ tenant, view: INVENTORY, pageSize: 1 })), tenant);
}

/** Creates a server; APP, over streamable HTTP, unless told otherwise. It may hide private ones. */
export async function declare(
  admin: Admin,
  tenant: string,
  rest: Init<typeof Server>,
): Promise<Server> {
  const spec = httpSpec('https://tools.example/mcp');
  const server = { tier: Tier.TIER_APP, spec, ...rest };
  const policy = ShadowPolicy.SHADOW_POLICY_SHADOW;
  return serverOf(await admin.create({ tenant, server, policy }));
}

/** Creates a private server of `owner`. */
export function declarePrivate(
  admin: Admin,
  tenant: string,
  { owner, ...rest }: Init<typeof Server> & { readonly owner: string },
): Promise<Server> {
  return declare(admin, tenant, { ...rest, owner, tier: Tier.TIER_PRIVATE });
}
