import type { Http2Server, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { TLSSocket } from 'node:tls';
import { Metadata, type Server } from '@grpc/grpc-js';
import { SwitchboardError } from '../../domain/errors.js';
import type { Authenticate } from '../authenticator.js';
import { atBoundary } from '../grpc/boundary.js';
import type { Log } from '../log.js';
import { type Connection, ConnectionTable } from './connection-table.js';
import { endStream } from './end-stream.js';
import { guardStreams, http2ServersOf } from './http2-servers.js';
import { IncompleteRequests } from './incomplete-requests.js';
import { limitWastedCalls, type WastedCalls } from './wasted-calls.js';

export interface GuardLimits {
  readonly maxConnections: number;
  readonly maxMessageBytes: number;
  /** Bytes of incomplete requests over all connections. */
  readonly maxIncompleteBytes: number;
  /** How long a connection may take until HTTP/2 is spoken on it. Milliseconds. */
  readonly handshakeTimeoutMs: number;
  /** How long a request may take to arrive. Milliseconds. */
  readonly requestTimeoutMs: number;
}

export interface GuardOptions extends GuardLimits {
  readonly authenticate: Authenticate;
  readonly log: Log;
  /** Paths of the methods that ask for no credentials. */
  readonly open: ReadonlySet<string>;
  /** Paths of the methods whose requests are streams. */
  readonly requestStreams: ReadonlySet<string>;
}

/** Messages of the greatest size that one connection may be sending at the same time. */
const MESSAGES_PER_CONNECTION = 4;
/** What peers may send to methods that ask for no credentials: their requests are tiny. */
const OPEN_BYTES_PER_CONNECTION = 256 * 1_024;
const OPEN_BYTES = 4 * 1_024 * 1_024;
/** How often what takes too long is looked for. Milliseconds. */
const SWEEP_MS = 500;

/** Limits what peers cost before and beside their calls. */
export interface Guard {
  /** Closes the connections on which no call runs yet; nothing is limited any more. */
  close(): void;
}

/**
 * Guards a server that is bound: the number of connections, their handshakes, credentials
 * before anything else is read, and what is kept of requests that are not complete.
 */
export function guardServer(server: Server, options: GuardOptions): Guard {
  const now = (): number => performance.now();
  const table = new ConnectionTable(options, now);
  const { requestTimeoutMs: timeoutMs, maxIncompleteBytes: bytes } = options;
  const bytesPerConnection = MESSAGES_PER_CONNECTION * options.maxMessageBytes;
  const incomplete = {
    known: new IncompleteRequests({ bytesPerConnection, bytes, timeoutMs }, now),
    open: new IncompleteRequests(
      { bytesPerConnection: OPEN_BYTES_PER_CONNECTION, bytes: OPEN_BYTES, timeoutMs },
      now,
    ),
  };
  for (const http2Server of http2ServersOf(server)) {
    guardOne(http2Server, { table, incomplete, options, now });
  }
  const timer = setInterval(() => {
    table.closeLate();
    incomplete.known.endLate();
    incomplete.open.endLate();
  }, SWEEP_MS).unref();
  return {
    close() {
      clearInterval(timer);
      table.closeSilent();
    },
  };
}

interface Parts {
  readonly table: ConnectionTable;
  readonly incomplete: Readonly<Record<'known' | 'open', IncompleteRequests>>;
  readonly options: GuardOptions;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
}

/** A connection on which HTTP/2 is spoken. */
interface Spoken {
  readonly connection: Connection;
  readonly wasted: WastedCalls;
}

function guardOne(http2Server: Http2Server, { table, incomplete, options, now }: Parts): void {
  // By address: HTTP/2 over TLS never shows the socket that was accepted.
  const accepted = new Map<string, Connection>();
  const sessions = new WeakMap<object, Spoken>();
  let isFull = false;

  http2Server.prependListener('connection', (socket: Socket) => {
    const address = addressOf(socket);
    const connection = table.add(socket);
    accepted.set(address, connection);
    socket.once('close', () => {
      if (accepted.get(address) === connection) accepted.delete(address);
    });
    if (connection.phase === 'refused' && !isFull) {
      const { maxConnections } = options;
      options.log.warn({ maxConnections }, 'connections are refused: there are too many');
    }
    isFull = connection.phase === 'refused';
  });

  http2Server.on('session', (session) => {
    const connection = accepted.get(addressOf(session.socket));
    if (connection === undefined) {
      session.destroy();
      return;
    }
    sessions.set(session, { connection, wasted: limitWastedCalls(session, connection, now) });
    session.once('remoteSettings', () => {
      table.advance(connection, 'unproven');
    });
  });

  guardStreams(http2Server, (stream, headers) => {
    const { session } = stream;
    if (session === undefined || session.destroyed) return false;
    const spoken = sessions.get(session);
    if (spoken === undefined) return false;
    const { connection, wasted } = spoken;
    wasted.follow(stream);
    if (connection.phase === 'refused') {
      endStream(stream, tooManyConnections(options));
      session.close();
      return false;
    }
    const path = headers[':path'] ?? '';
    const isOpen = options.open.has(path);
    if (isOpen) wasted.count();
    else if (isAuthentic(stream, headers, options)) table.advance(connection, 'proven');
    else {
      wasted.count();
      return false;
    }
    const requests = isOpen ? incomplete.open : incomplete.known;
    if (options.requestStreams.has(path)) requests.followStream(connection, stream);
    else requests.follow(connection, stream);
    return true;
  });
}

/** Whether a call comes with valid credentials. If not, it has been answered. */
function isAuthentic(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  { authenticate, log }: GuardOptions,
): boolean {
  try {
    const metadata = credentialsIn(headers);
    authenticate({ metadata, getAuthContext: () => authContextOf(stream) });
    return true;
  } catch (error) {
    const call = { method: headers[':path'] ?? '', principal: undefined };
    endStream(stream, atBoundary(error, call, log));
    return false;
  }
}

/** Throws UNAUTHENTICATED for what gRPC does not allow in metadata, such as letters beyond ASCII. */
function credentialsIn({ authorization }: IncomingHttpHeaders): Metadata {
  const metadata = new Metadata();
  if (authorization === undefined) return metadata;
  try {
    metadata.set('authorization', authorization);
  } catch {
    throw new SwitchboardError('UNAUTHENTICATED');
  }
  return metadata;
}

/** As grpc-js answers it. */
function authContextOf(
  stream: ServerHttp2Stream,
): ReturnType<Parameters<Authenticate>[0]['getAuthContext']> {
  const socket = stream.session?.socket;
  if (!(socket instanceof TLSSocket) || !socket.authorized) return {};
  return { sslPeerCertificate: socket.getPeerCertificate() };
}

function tooManyConnections({ maxConnections }: GuardLimits): SwitchboardError {
  return new SwitchboardError('TOO_MANY_CONNECTIONS', undefined, {
    metadata: { limit: String(maxConnections) },
    retryDelayMs: 5_000,
  });
}

function addressOf(socket: Pick<Socket, 'remoteAddress' | 'remotePort' | 'localAddress'>): string {
  const { remoteAddress, remotePort, localAddress } = socket;
  return `${String(remoteAddress)} ${String(remotePort)} ${String(localAddress)}`;
}
