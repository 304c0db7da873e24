import { Client, type FetchLike } from '@modelcontextprotocol/client';
import type { ConnectTarget, HttpTarget, StdioTarget } from './connect-target.js';
import { createHttpFetch, routeOf, type HttpFetch } from './http-fetch.js';
import { HttpTransport } from './http-transport.js';
import { LimitedTransport } from './limited-transport.js';
import type { McpConnection } from './mcp-connection.js';
import { MAX_MESSAGE_SIZE } from './message.js';
import { handshake } from './handshake.js';
import { McpError } from './mcp-error.js';
import { ProcessTransport } from './process-transport.js';
import { createErrorRedactor } from './redacted-error.js';
import { createRedactor } from './redactor.js';
import { redactedListeners, type ConnectionListeners } from './redacted-listeners.js';
import { createSchemaChecker } from './schema-checker.js';
import { createResultValidator } from './schema-validator.js';
import { SdkConnection } from './sdk-connection.js';
import { sentValues } from './sent-values.js';
import { SseTransport } from './sse-transport.js';
import type { McpTransport } from './transport.js';
import { checkProxy } from './tunnel.js';
import { WebSocketTransport } from './websocket-transport.js';

/** How we name ourselves to servers. */
export interface ClientIdentity {
  readonly name: string;
  readonly version: string;
}

/** One connect. */
export interface ConnectOptions extends ConnectionListeners {
  /** Aborting stops the attempt at once; what it started is ended behind it. */
  readonly signal?: AbortSignal;
  /** Milliseconds for the connect and its handshake. Default 30,000. */
  readonly connectMs?: number;
  /** Milliseconds that a call may go without answer or progress. Default 60,000. */
  readonly callMs?: number;
  /**
   * Milliseconds of silence after which a stream counts as lost: an event stream while an
   * answer is due on it, a WebSocket always, which is pinged for that. Default: none.
   */
  readonly readMs?: number;
  /**
   * `auto` asks servers over streamable HTTP for protocol 2026-07-28 first. Default
   * `legacy`. Processes are always spoken to in legacy, because the question would start
   * each of them twice, and so are SSE and WebSocket, which the newer protocol does not have.
   */
  readonly era?: 'legacy' | 'auto';
  /**
   * The largest message that is taken, in bytes, and the largest list over all its pages.
   * Default 10 MiB.
   */
  readonly maxMessageBytes?: number;
  /** Put around every request over HTTP: to see, count or stop what comes back. */
  readonly aroundFetch?: (fetch: FetchLike) => FetchLike;
}

/** Opens MCP connections, and knows what is still being ended. */
export interface Connector {
  /** Throws McpError of any kind but `closed` and `stale_session`. */
  connect(target: ConnectTarget, options?: ConnectOptions): Promise<McpConnection>;
  /**
   * Opens nothing any more; waits for attempts under way, and until what failed or aborted
   * ones left behind is gone. Connections that are open must be closed before.
   */
  close(): Promise<void>;
}

/**
 * Makes a connector. While processes run, an `exit` listener of our own process ends
 * their groups with it.
 */
export function createConnector(identity: ClientIdentity): Connector {
  const endings = new Set<Promise<void>>();
  const processes = new Set<ProcessTransport>();
  const pending = new Set<Promise<unknown>>();
  const http = createHttpFetch();
  const checker = createSchemaChecker();
  let closed = false;
  const killAll = (): void => {
    for (const transport of processes) transport.killNow();
  };

  function openProcess(target: StdioTarget, options: ConnectOptions): ProcessTransport {
    target.guard?.checkProcess();
    const transport = new ProcessTransport(target, options);
    if (processes.size === 0) process.on('exit', killAll);
    processes.add(transport);
    transport.onGone = () => {
      processes.delete(transport);
      if (processes.size === 0) process.off('exit', killAll);
    };
    return transport;
  }

  /** Over streamable HTTP, sockets are shared by all without a proxy, a guard or a limit of their own. */
  function openNetwork(target: HttpTarget, options: ConnectOptions): McpTransport {
    const { readMs, aroundFetch, maxMessageBytes = MAX_MESSAGE_SIZE } = options;
    const limits = { readMs, maxMessageBytes };
    const through = (all: HttpFetch): HttpFetch =>
      aroundFetch === undefined ? all : { ...all, fetch: aroundFetch(all.fetch) };
    const { kind, url, proxyUrl, guard } = target;
    if (proxyUrl !== undefined) checkProxy(proxyUrl);
    guard?.checkTarget({ url, proxyUrl });
    if (kind === 'websocket') return new WebSocketTransport(target, limits);
    const route = routeOf(target);
    if (kind === 'sse') return new SseTransport(target, through(createHttpFetch(route)), limits);
    // A socket that was opened without the guard is not one that it allows.
    if (proxyUrl === undefined && readMs === undefined && guard === undefined) {
      return new HttpTransport(target, through(http), limits);
    }
    const own = createHttpFetch({ ...route, ...(readMs === undefined ? {} : { readMs }) });
    return new HttpTransport(target, through(own), { maxMessageBytes, onGone: own.close });
  }

  function openTransport(target: ConnectTarget, options: ConnectOptions): McpTransport {
    if (closed) throw new McpError('closed', 'the connector is closed', { sent: false });
    return new LimitedTransport(
      target.kind === 'stdio' ? openProcess(target, options) : openNetwork(target, options),
      options.maxMessageBytes,
    );
  }

  function endLater(transport: McpTransport): void {
    const ending = transport.close().finally(() => endings.delete(ending));
    endings.add(ending);
  }

  async function connect(target: ConnectTarget, options: ConnectOptions): Promise<McpConnection> {
    const redactor = createRedactor(() => sentValues(target));
    const redactError = createErrorRedactor(redactor);
    const told = { ...options, ...redactedListeners(options, redactor, redactError) };
    try {
      const parts = await open(target, told);
      return new SdkConnection({ ...parts, redactor, redactError }, told);
    } catch (error) {
      throw redactError(error as Error);
    }
  }

  async function open(target: ConnectTarget, options: ConnectOptions) {
    const transport = openTransport(target, options);
    const era = target.kind === 'streamable_http' ? (options.era ?? 'legacy') : 'legacy';
    const results = createResultValidator(checker);
    const client = new Client(identity, {
      jsonSchemaValidator: results.forSdk,
      versionNegotiation: { mode: era },
    });
    try {
      await handshake(client, transport, options);
    } catch (error) {
      endLater(transport);
      throw error;
    }
    return { client, transport, results };
  }

  return {
    async connect(target, options = {}) {
      const connecting = connect(target, options);
      pending.add(connecting);
      try {
        return await connecting;
      } finally {
        pending.delete(connecting);
      }
    },
    async close() {
      closed = true;
      await Promise.allSettled(pending);
      await Promise.all(endings);
      await checker.close();
      await http.close();
    },
  };
}
