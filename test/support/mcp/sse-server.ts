import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { buildToolServer } from './tool-server.js';

/** How a test server behaves. */
export interface SseServerOptions {
  readonly label?: string;
  /** Refuses with 401 what it answers false for. */
  readonly authorize?: (headers: IncomingHttpHeaders) => boolean;
  /** Is awaited before a request is handled; what it throws is answered with 500. */
  readonly before?: (method: string) => Promise<void> | void;
  /** Answers the request itself, and then true. */
  readonly instead?: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** With what a POST to an unknown session is answered. Default 404. */
  readonly unknownSession?: 404 | 400;
}

/** A real MCP server over HTTP+SSE, and what it has seen. */
export interface McpSseServer extends AsyncDisposable {
  readonly url: string;
  /** Streams ever opened, and those that are open. */
  readonly opened: number;
  readonly alive: number;
  /** Requests by JSON-RPC method, or HTTP method without one. */
  count(method: string): number;
  /** How many calls of the tool `wait` wait now. */
  readonly waiting: number;
  /** Lets all calls of `wait` answer. */
  release(): void;
  /** Keeps the streams, and knows none of their sessions any more. */
  forgetSessions(): void;
  /** Sends these bytes on every stream. */
  sendRaw(text: string): void;
  /** Ends every stream in order. */
  endStreams(): void;
  /** Cuts every connection, as a crash does. */
  cut(): void;
  /** Stops listening and cuts; `start` begins anew on the same port, without the sessions. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

interface State {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- the old transport is what it serves
  readonly sessions: Map<string, SSEServerTransport>;
  readonly streams: Set<ServerResponse>;
  readonly counts: Map<string, number>;
  readonly waiters: Set<() => void>;
  opened: number;
}

/** Starts one on a free port of the loopback. */
export async function startMcpSseServer(options: SseServerOptions = {}): Promise<McpSseServer> {
  const state: State = {
    sessions: new Map(),
    streams: new Set(),
    counts: new Map(),
    waiters: new Set(),
    opened: 0,
  };
  const http = createServer((request, response) => {
    handle(state, options, { request, response }).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500);
      response.end(String(error));
    });
  });
  await listen(http, 0);
  const { port } = http.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    if (!http.listening) return;
    const closed = once(http, 'close');
    http.close();
    http.closeAllConnections();
    state.sessions.clear();
    state.waiters.clear();
    await closed;
  };
  return {
    url: `http://127.0.0.1:${String(port)}/sse`,
    get opened() {
      return state.opened;
    },
    get alive() {
      return state.streams.size;
    },
    count: (method) => state.counts.get(method) ?? 0,
    get waiting() {
      return state.waiters.size;
    },
    release: () => {
      for (const release of state.waiters) release();
    },
    forgetSessions: () => state.sessions.clear(),
    sendRaw: (text) => {
      for (const stream of state.streams) stream.write(text);
    },
    endStreams: () => {
      for (const stream of state.streams) stream.end();
    },
    cut: () => http.closeAllConnections(),
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

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

async function handle(
  state: State,
  options: SseServerOptions,
  { request, response }: Exchange,
): Promise<void> {
  const body = await readBody(request);
  const method = (body as { method?: string } | undefined)?.method ?? request.method ?? '';
  state.counts.set(method, (state.counts.get(method) ?? 0) + 1);
  if (options.authorize?.(request.headers) === false) return void response.writeHead(401).end();
  if (options.instead?.(request, response) === true) return;
  await options.before?.(method);
  if (request.method === 'GET') return openStream(state, options, response);
  const sessionId = new URL(request.url ?? '', 'http://h').searchParams.get('sessionId') ?? '';
  const transport = state.sessions.get(sessionId);
  if (transport !== undefined) return transport.handlePostMessage(request, response, body);
  response.writeHead(options.unknownSession ?? 404).end('no such session');
}

async function openStream(
  state: State,
  options: SseServerOptions,
  response: ServerResponse,
): Promise<void> {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- as above
  const transport = new SSEServerTransport('/message', response);
  state.opened += 1;
  state.sessions.set(transport.sessionId, transport);
  state.streams.add(response);
  response.on('close', () => {
    state.sessions.delete(transport.sessionId);
    state.streams.delete(response);
  });
  await buildToolServer(state.waiters, options.label).connect(transport);
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return text === '' ? undefined : JSON.parse(text);
}
