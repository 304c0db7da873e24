import { Server as TlsServer } from 'node:tls';
import {
  Server,
  type ServerCredentials,
  type ServerOptions,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import type { SwitchboardError } from '../domain/errors.js';
import { SERVER_KEEPALIVE } from '../wire/keepalive.js';
import type { Authenticate } from './authenticator.js';
import { type GuardLimits, guardServer } from './connections/guard.js';
import { http2ServersOf } from './connections/http2-servers.js';
import type { TlsContext } from './credentials.js';
import { createShell, type Shell } from './grpc/shell.js';
import { typedStatuses } from './grpc/typed-statuses.js';
import { answerUnknownMethods } from './grpc/unknown-methods.js';
import type { Log } from './log.js';
import { formatAddress, type ListenAddress } from './option-values.js';
import { addSideServices } from './side-services.js';
import { cutConnections, shutDown } from './shutdown.js';
import { messageOf, StartError } from './start-error.js';

/** What is served. */
export interface Application {
  /** Adds its services. */
  register(server: Pick<Server, 'addService'>, shell: Shell): void;
  /**
   * Resolves when calls can be answered well. Until then they are refused with STARTING, and
   * health says NOT_SERVING.
   */
  ready(): Promise<void>;
  /** Ends all open streams with `error`, each with its last token. */
  endStreams(error: SwitchboardError): void;
}

export interface GrpcServerOptions extends GuardLimits {
  readonly listen: ListenAddress;
  readonly credentials: ServerCredentials;
  readonly authenticate: Authenticate;
  readonly log: Log;
  readonly maxStreams: number;
  readonly maxCallsPerConnection: number;
  /** How long calls may go on after `close`. Milliseconds. */
  readonly drainTimeoutMs: number;
  /** Wins over the keepalive policy; for tests of it. */
  readonly channelOptions?: ServerOptions;
}

export interface GrpcServer {
  /** Where it listens, with the port that it got. */
  readonly address: string;
  /** Connections that come from now on are made with this certificate; others go on. */
  useTls(context: TlsContext): void;
  /** Stops gracefully: see `shutDown`. Closing twice waits for the first. */
  close(): Promise<void>;
  /** Cuts everything at once; for use in place of `close`. */
  force(): void;
}

/**
 * Listens, and serves the application with health and reflection beside it. Resolves when
 * the application is ready. Throws a StartError if the address cannot be had.
 */
export async function startGrpcServer(
  application: Application,
  options: GrpcServerOptions,
): Promise<GrpcServer> {
  const { log } = options;
  const server = new Server({
    ...SERVER_KEEPALIVE,
    'grpc.max_receive_message_length': options.maxMessageBytes,
    'grpc.max_concurrent_streams': options.maxCallsPerConnection,
    // It keeps data of every call, and has a history of leaks.
    'grpc.enable_channelz': 0,
    interceptors: [typedStatuses(options)],
    ...options.channelOptions,
  });
  answerUnknownMethods(server);
  const shell = createShell(options);
  const methods = { open: new Set<string>(), requestStreams: new Set<string>() };
  application.register(noting(server, methods), shell);
  const side = addSideServices(noting(server, methods, { isOpen: true }));
  const port = await bind(server, options);
  const guard = guardServer(server, { ...options, ...methods });
  const address = formatAddress({ host: options.listen.host, port });
  try {
    await application.ready();
  } catch (error) {
    guard.close();
    cutConnections(server, address);
    throw error;
  }
  shell.serve();
  side.setServing(true);

  let closing: Promise<void> | undefined;
  return {
    address,
    useTls(context) {
      for (const http2Server of http2ServersOf(server)) {
        if (http2Server instanceof TlsServer) http2Server.setSecureContext(context);
      }
    },
    close() {
      const parts = { server, guard, shell, side, application, address };
      closing ??= shutDown(parts, options.drainTimeoutMs, log);
      return closing;
    },
    force() {
      if (closing !== undefined) return;
      guard.close();
      cutConnections(server, address);
      closing = Promise.resolve();
    },
  };
}

/** Notes which of the methods that are added ask for no credentials, and which take streams. */
function noting(
  server: Server,
  methods: { readonly open: Set<string>; readonly requestStreams: Set<string> },
  { isOpen } = { isOpen: false },
): Pick<Server, 'addService'> {
  return {
    addService(definition: ServiceDefinition, implementation) {
      for (const { path, requestStream } of Object.values(definition)) {
        if (isOpen) methods.open.add(path);
        if (requestStream) methods.requestStreams.add(path);
      }
      server.addService(definition, implementation);
    },
  };
}

function bind(server: Server, { listen, credentials }: GrpcServerOptions): Promise<number> {
  const address = formatAddress(listen);
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => {
      if (error === null) resolve(port);
      else reject(new StartError(explainBindError(address, messageOf(error))));
    });
  });
}

function explainBindError(address: string, message: string): string {
  if (message.includes('EADDRINUSE')) {
    return `${address} is in use: stop what listens there, or choose another address with --listen`;
  }
  if (message.includes('EACCES')) {
    return `${address} may not be used by this user: choose a port above 1023 with --listen`;
  }
  return `cannot listen on ${address}: ${message}`;
}
