import { type ChannelOptions, ChannelCredentials, ServerCredentials } from '@grpc/grpc-js';
import {
  type RegistryServiceClient,
  RegistryServiceService,
} from '../../../generated/switchboard/v1/registry_service.js';
import { SwitchboardError } from '../../../src/domain/errors.js';
import { anyone } from '../../../src/server/authenticator.js';
import type { HandlersOf, Shell } from '../../../src/server/grpc/shell.js';
import {
  type Application,
  type GrpcServer,
  type GrpcServerOptions,
  startGrpcServer,
} from '../../../src/server/grpc-server.js';
import { captureLog } from '../capture-log.js';
import { createRegistryStub } from './stubs.js';

/** Handlers of RegistryService; those left out answer UNSUPPORTED. */
export type RegistryHandlers = Partial<HandlersOf<typeof RegistryServiceService>>;

/** A real server with a RegistryService made of the given handlers, and nothing behind it. */
export interface TinyServer extends AsyncDisposable {
  readonly server: GrpcServer;
  readonly client: RegistryServiceClient;
  /** What was logged, a parsed line each. */
  readonly logged: readonly Record<string, unknown>[];
  /** Another client, with a connection of its own. */
  connect(credentials?: ChannelCredentials, options?: ChannelOptions): RegistryServiceClient;
}

export async function startTinyServer(
  handlers: RegistryHandlers,
  overrides: Partial<GrpcServerOptions & Application> = {},
): Promise<TinyServer> {
  const { log, lines } = captureLog();
  const application: Application = {
    register(server, shell: Shell) {
      shell.addService(server, RegistryServiceService, { ...unsupported(), ...handlers });
    },
    ready: () => Promise.resolve(),
    endStreams: () => undefined,
    ...overrides,
  };
  const server = await startGrpcServer(application, {
    listen: { host: '127.0.0.1', port: 0 },
    credentials: ServerCredentials.createInsecure(),
    authenticate: anyone,
    log,
    maxMessageBytes: 4 * 1024 * 1024,
    maxStreams: 100,
    maxConnections: 100,
    maxIncompleteBytes: 64 * 1024 * 1024,
    handshakeTimeoutMs: 5_000,
    requestTimeoutMs: 30_000,
    maxCallsPerConnection: 100,
    drainTimeoutMs: 5_000,
    ...overrides,
  });
  const clients: RegistryServiceClient[] = [];
  const connect = (
    credentials = ChannelCredentials.createInsecure(),
    options: ChannelOptions = {},
  ): RegistryServiceClient => {
    const client = createRegistryStub(server.address, credentials, {
      'grpc.use_local_subchannel_pool': 1,
      ...options,
    });
    clients.push(client);
    return client;
  };
  return {
    server,
    client: connect(),
    logged: lines,
    connect,
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.close();
      server.force();
      await server.close();
    },
  };
}

function unsupported(): HandlersOf<typeof RegistryServiceService> {
  const refuse = (): never => {
    throw new SwitchboardError('UNSUPPORTED');
  };
  return {
    getServer: refuse,
    batchGetServers: refuse,
    listServers: refuse,
    createServer: refuse,
    updateServer: refuse,
    deleteServer: refuse,
    undeleteServer: refuse,
    applyServers: refuse,
    listServerVersions: refuse,
    rollbackServer: refuse,
    explainAccess: refuse,
    inspectServer: refuse,
    recordFacts: refuse,
    setAccess: refuse,
    grantAccess: refuse,
    revokeAccess: refuse,
    listGrants: refuse,
    promoteServer: refuse,
    demoteServer: refuse,
    loadPrivateServers: refuse,
    getPrivateLoadStatus: refuse,
    invalidateUser: refuse,
    purgeUser: refuse,
    getPrivateSource: refuse,
    renamePrivateSource: refuse,
    removePrivateSource: refuse,
    watchServers: refuse,
  };
}
