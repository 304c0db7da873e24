import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { buildToolServer } from './tool-server.js';

/** How a test server behaves. */
export interface HttpServerOptions {
  /** What the tool `label` answers. */
  readonly label?: string;
  /** With what an unknown session is answered. Default 404. */
  readonly unknownSession?: 404 | 400;
  /** Refuses with 401 what it answers false for. */
  readonly authorize?: (headers: IncomingHttpHeaders) => boolean;
  /** Is awaited before a request is handled. */
  readonly before?: (rpcMethod: string | undefined) => Promise<void> | void;
  /** Answers with JSON instead of event streams. */
  readonly json?: boolean;
  /** Answers 405 to GET, as servers without a stream of notices do. */
  readonly refusesGet?: boolean;
}

/** A real MCP server over streamable HTTP, and what it has seen. */
export interface McpHttpServer extends AsyncDisposable {
  readonly url: string;
  /** Sessions ever opened, and those ended by DELETE. */
  readonly opened: number;
  readonly deleted: number;
  readonly alive: number;
  /** Requests by JSON-RPC method, or HTTP method without one. */
  count(method: string): number;
  /** How many calls of the tool `wait` wait now. */
  readonly waiting: number;
  /** Lets all calls of `wait` answer. */
  release(): void;
  forgetSessions(): void;
  /** Cuts every connection, as a crash does. */
  cut(): void;
  /** Stops listening and cuts; `start` begins anew on the same port, without the sessions. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

interface State {
  readonly sessions: Map<string, StreamableHTTPServerTransport>;
  readonly counts: Map<string, number>;
  readonly waiters: Set<() => void>;
  opened: number;
  deleted: number;
}

/** Starts one on a free port of the loopback. */
export async function startMcpHttpServer(options: HttpServerOptions = {}): Promise<McpHttpServer> {
  const state: State = {
    sessions: new Map(),
    counts: new Map(),
    waiters: new Set(),
    opened: 0,
    deleted: 0,
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
    await closed;
  };
  return {
    url: `http://127.0.0.1:${String(port)}/mcp`,
    get opened() {
      return state.opened;
    },
    get deleted() {
      return state.deleted;
    },
    get alive() {
      return state.sessions.size;
    },
    count: (method) => state.counts.get(method) ?? 0,
    get waiting() {
      return state.waiters.size;
    },
    release: () => {
      for (const release of state.waiters) release();
    },
    forgetSessions: () => state.sessions.clear(),
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
  options: HttpServerOptions,
  { request, response }: Exchange,
): Promise<void> {
  const body = await readBody(request);
  const method = (body as { method?: string } | undefined)?.method;
  const counted = method ?? request.method ?? '';
  state.counts.set(counted, (state.counts.get(counted) ?? 0) + 1);
  if (options.authorize?.(request.headers) === false) return void response.writeHead(401).end();
  if (request.method === 'GET' && options.refusesGet === true)
    return void response.writeHead(405).end();
  await options.before?.(method);
  const sessionId = request.headers['mcp-session-id'];
  if (typeof sessionId !== 'string')
    return openSession(state, options, { request, response, body });
  const transport = state.sessions.get(sessionId);
  if (transport === undefined) {
    refuseSession(options, response);
    return;
  }
  await transport.handleRequest(request, response, body);
  if (request.method === 'DELETE') state.deleted += 1;
}

async function openSession(
  state: State,
  options: HttpServerOptions,
  { request, response, body }: Exchange & { body: unknown },
): Promise<void> {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    enableJsonResponse: options.json === true,
    onsessioninitialized: (id) => {
      state.opened += 1;
      state.sessions.set(id, transport);
    },
    onsessionclosed: (id) => void state.sessions.delete(id),
  });
  await buildToolServer(state.waiters, options.label).connect(transport);
  await transport.handleRequest(request, response, body);
}

function refuseSession(options: HttpServerOptions, response: ServerResponse): void {
  const status = options.unknownSession ?? 404;
  const message =
    status === 404 ? 'Session not found' : 'Bad Request: No valid session ID provided';
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', error: { code: -32001, message }, id: null }));
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return text === '' ? undefined : JSON.parse(text);
}
