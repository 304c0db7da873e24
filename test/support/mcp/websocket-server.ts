import { once } from 'node:events';
import {
  createServer,
  STATUS_CODES,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { JSONRPCMessageSchema, type JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { WebSocketServer, type WebSocket } from 'ws';
import { buildToolServer } from './tool-server.js';

/** How a test server behaves. */
export interface WebSocketServerOptions {
  readonly label?: string;
  /** Refuses with 401 what it answers false for. */
  readonly authorize?: (headers: IncomingHttpHeaders) => boolean;
  /** Is awaited before an upgrade (`GET`) or a message is handled; what it throws refuses an upgrade with 500. */
  readonly before?: (method: string) => Promise<void> | void;
  /** The HTTP status with which every upgrade is refused. */
  readonly refuses?: number;
  /** Answers upgrades without a subprotocol. */
  readonly withoutSubprotocol?: boolean;
}

/** A real MCP server over WebSocket, and what it has seen. */
export interface McpWebSocketServer extends AsyncDisposable {
  readonly url: string;
  /** Sockets ever opened, and those that are open. */
  readonly opened: number;
  readonly alive: number;
  /** Messages by JSON-RPC method, and upgrades as `GET`, pings as `ping frame`. */
  count(method: string): number;
  /** The code of each close that clients sent. */
  readonly closeCodes: readonly number[];
  /** How many calls of the tool `wait` wait now. */
  readonly waiting: number;
  /** Lets all calls of `wait` answer. */
  release(): void;
  /** Sends a frame on every socket. */
  sendRaw(data: string | Buffer): void;
  /** Writes these bytes on every socket, whatever they are. */
  writeBytes(bytes: Buffer): void;
  /** Closes every socket in order. */
  closeSockets(code: number, reason?: string): void;
  /** Reads nothing any more: neither messages nor pings nor closes are answered. */
  freeze(): void;
  /** Cuts every connection, as a crash does. */
  cut(): void;
  /** Stops listening and cuts; `start` begins anew on the same port. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

interface State {
  readonly sockets: Map<WebSocket, Duplex>;
  readonly counts: Map<string, number>;
  readonly waiters: Set<() => void>;
  readonly closeCodes: number[];
  readonly upgrades: WebSocketServer;
  opened: number;
}

/** Starts one on a free port of the loopback. */
export async function startMcpWebSocketServer(
  options: WebSocketServerOptions = {},
): Promise<McpWebSocketServer> {
  const state: State = {
    sockets: new Map(),
    counts: new Map(),
    waiters: new Set(),
    closeCodes: [],
    upgrades: new WebSocketServer({
      noServer: true,
      handleProtocols: (offered) =>
        options.withoutSubprotocol !== true && offered.has('mcp') ? 'mcp' : false,
    }),
    opened: 0,
  };
  const links = new Set<Duplex>();
  const http = createServer();
  http.on('connection', (link) => {
    links.add(link);
    link.on('error', () => link.destroy());
    link.on('close', () => links.delete(link));
  });
  http.on('upgrade', (request, link, head) => {
    upgrade(state, options, { request, link, head }).catch(() => refuse(link, 500));
  });
  await listen(http, 0);
  const { port } = http.address() as AddressInfo;
  const cut = (): void => {
    for (const link of links) link.destroy();
  };
  const stop = async (): Promise<void> => {
    if (!http.listening) return;
    const closed = once(http, 'close');
    http.close();
    cut();
    state.waiters.clear();
    await closed;
  };
  return {
    url: `ws://127.0.0.1:${String(port)}/mcp`,
    get opened() {
      return state.opened;
    },
    get alive() {
      return state.sockets.size;
    },
    count: (method) => state.counts.get(method) ?? 0,
    closeCodes: state.closeCodes,
    get waiting() {
      return state.waiters.size;
    },
    release: () => {
      for (const release of state.waiters) release();
    },
    sendRaw: (data) => {
      for (const socket of state.sockets.keys()) socket.send(data);
    },
    writeBytes: (bytes) => {
      for (const link of state.sockets.values()) link.write(bytes);
    },
    closeSockets: (code, reason) => {
      for (const socket of state.sockets.keys()) socket.close(code, reason);
    },
    freeze: () => {
      for (const socket of state.sockets.keys()) socket.pause();
    },
    cut,
    stop,
    start: () => listen(http, port),
    [Symbol.asyncDispose]: stop,
  };
}

async function listen(http: Server, port: number): Promise<void> {
  const listening = once(http, 'listening');
  http.listen(port, '127.0.0.1');
  await listening;
}

interface Upgrade {
  readonly request: IncomingMessage;
  readonly link: Duplex;
  readonly head: Buffer;
}

async function upgrade(
  state: State,
  options: WebSocketServerOptions,
  { request, link, head }: Upgrade,
): Promise<void> {
  count(state, 'GET');
  const status = options.authorize?.(request.headers) === false ? 401 : options.refuses;
  if (status !== undefined) {
    refuse(link, status);
    return;
  }
  await options.before?.('GET');
  state.upgrades.handleUpgrade(request, link, head, (socket) => {
    state.opened += 1;
    state.sockets.set(socket, link);
    socket.on('ping', () => count(state, 'ping frame'));
    socket.on('error', () => undefined);
    socket.on('close', (code) => {
      state.sockets.delete(socket);
      state.closeCodes.push(code);
    });
    const transport = transportOver(socket, request.headers, async (message) => {
      const method = 'method' in message ? message.method : 'answer';
      count(state, method);
      await options.before?.(method);
    });
    void buildToolServer(state.waiters, options.label).connect(transport);
  });
}

function transportOver(
  socket: WebSocket,
  headers: IncomingHttpHeaders,
  before: (message: JSONRPCMessage) => Promise<void>,
): Transport {
  const transport: Transport = {
    start: async () => {
      socket.on('message', (data: Buffer) => {
        const message = JSONRPCMessageSchema.parse(JSON.parse(data.toString()));
        void before(message).then(() =>
          transport.onmessage?.(message, { requestInfo: { headers } }),
        );
      });
      socket.on('close', () => transport.onclose?.());
      return Promise.resolve();
    },
    send: async (message) =>
      new Promise((resolve, reject) => {
        socket.send(JSON.stringify(message), (error) => {
          if (error) reject(error);
          else resolve();
        });
      }),
    close: async () => {
      socket.close();
      return Promise.resolve();
    },
  };
  return transport;
}

function refuse(link: Duplex, status: number): void {
  link.end(`HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? ''}\r\nconnection: close\r\n\r\n`);
}

function count(state: State, method: string): void {
  state.counts.set(method, (state.counts.get(method) ?? 0) + 1);
}
