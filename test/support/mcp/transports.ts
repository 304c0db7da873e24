import type { IncomingHttpHeaders } from 'node:http';
import { onTestFinished } from 'vitest';
import type { HttpTransport } from '../../../src/domain/config/spec.js';
import { startMcpHttpServer, type McpHttpServer } from './http-server.js';
import { startMcpSseServer, type McpSseServer, type SseServerOptions } from './sse-server.js';
import {
  startMcpWebSocketServer,
  type McpWebSocketServer,
  type WebSocketServerOptions,
} from './websocket-server.js';

/** What the test servers of all three transports to an address can do. */
export type NetworkServer = Pick<
  McpHttpServer & McpSseServer & McpWebSocketServer,
  'url' | 'opened' | 'alive' | 'count' | 'waiting' | 'release' | 'cut' | 'stop' | 'start'
>;

/** How any of them may behave. */
export interface NetworkServerOptions {
  readonly label?: string;
  readonly authorize?: (headers: IncomingHttpHeaders) => boolean;
  /** Is awaited before a request, an upgrade or a message is handled. */
  readonly before?: (method: string | undefined) => Promise<void> | void;
}

/** A transport to an address, and a server that speaks it; stopped with the test. */
export interface NetworkKind {
  readonly kind: HttpTransport['kind'];
  open(options?: NetworkServerOptions): Promise<NetworkServer>;
}

export const NETWORK_KINDS: readonly NetworkKind[] = [
  { kind: 'streamable_http', open: async (options) => untilFinished(startMcpHttpServer(options)) },
  { kind: 'sse', open: openSseServer },
  { kind: 'websocket', open: openWebSocketServer },
];

/** A real MCP server over HTTP+SSE; stopped with the test. */
export async function openSseServer(options: SseServerOptions = {}): Promise<McpSseServer> {
  return untilFinished(startMcpSseServer(options));
}

/** A real MCP server over WebSocket; stopped with the test. */
export async function openWebSocketServer(
  options: WebSocketServerOptions = {},
): Promise<McpWebSocketServer> {
  return untilFinished(startMcpWebSocketServer(options));
}

/** The transport of a spec. */
export function networkServer(
  kind: HttpTransport['kind'],
  url: string,
  headers: Record<string, string> = {},
): HttpTransport {
  return { kind, url, headers };
}

async function untilFinished<T extends AsyncDisposable>(starting: Promise<T>): Promise<T> {
  const server = await starting;
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}
