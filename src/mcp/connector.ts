import { Client, type Transport } from '@modelcontextprotocol/client';
import type { ConnectTarget, HttpTarget, StdioTarget } from './connect-target.js';
import { createHttpFetch } from './http-fetch.js';
import { HttpTransport } from './http-transport.js';
import type { McpConnection } from './mcp-connection.js';
import { handshake } from './handshake.js';
import { McpError } from './mcp-error.js';
import { ProcessTransport } from './process-transport.js';
import { createSchemaValidator } from './schema-validator.js';
import { SdkConnection } from './sdk-connection.js';

/** How we name ourselves to servers. */
export interface ClientIdentity {
  readonly name: string;
  readonly version: string;
}

/** One connect. */
export interface ConnectOptions {
  /** Aborting stops the attempt at once; what it started is ended behind it. */
  readonly signal?: AbortSignal;
  /** Milliseconds for the connect and its handshake. Default 30,000. */
  readonly connectMs?: number;
  /** Milliseconds that a call may go without answer or progress. Default 60,000. */
  readonly callMs?: number;
  /** Milliseconds of silence after which an event stream counts as lost. Default: none. */
  readonly readMs?: number;
  /**
   * `auto` asks HTTP servers for protocol 2026-07-28 first. Default `legacy`. Processes
   * are always spoken to in legacy: the question would start each of them twice.
   */
  readonly era?: 'legacy' | 'auto';
  /**
   * Called once when the connection is found to be of no more use, other than by close().
   * Over HTTP nothing may tell that but a failing call or probe. Calls in flight may still
   * be answered; close() is still needed.
   */
  readonly onClosed?: (cause: McpError) => void;
  /** Errors of the transport that concern no call; for logs. */
  readonly onError?: (error: Error) => void;
  /** What a process writes to its standard error, with `stderr: 'pipe'`. */
  readonly onStderr?: (text: string) => void;
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
  let closed = false;
  const killAll = (): void => {
    for (const transport of processes) transport.killNow();
  };

  function openProcess(target: StdioTarget, options: ConnectOptions): ProcessTransport {
    const transport = new ProcessTransport(target, options.onStderr);
    if (processes.size === 0) process.on('exit', killAll);
    processes.add(transport);
    transport.onGone = () => {
      processes.delete(transport);
      if (processes.size === 0) process.off('exit', killAll);
    };
    return transport;
  }

  /** Sockets are shared by all but those with a proxy or a limit of their own. */
  function openHttp(target: HttpTarget, { readMs }: ConnectOptions): HttpTransport {
    const { proxyUrl } = target;
    if (proxyUrl === undefined && readMs === undefined) return new HttpTransport(target, http);
    const own = createHttpFetch({
      ...(proxyUrl === undefined ? {} : { proxyUrl }),
      ...(readMs === undefined ? {} : { readMs }),
    });
    return new HttpTransport(target, own, own.close);
  }

  function openTransport(
    target: ConnectTarget,
    options: ConnectOptions,
  ): ProcessTransport | HttpTransport {
    if (closed) throw new McpError('closed', 'the connector is closed', { sent: false });
    if (target.kind === 'stdio') return openProcess(target, options);
    if (target.kind === 'streamable_http') return openHttp(target, options);
    throw new McpError('unsupported', `no client for ${target.kind} yet`, { sent: false });
  }

  function endLater(transport: Transport): void {
    const ending = transport.close().finally(() => endings.delete(ending));
    endings.add(ending);
  }

  async function connect(target: ConnectTarget, options: ConnectOptions): Promise<McpConnection> {
    const transport = openTransport(target, options);
    const era = target.kind === 'stdio' ? 'legacy' : (options.era ?? 'legacy');
    const client = new Client(identity, {
      jsonSchemaValidator: createSchemaValidator(),
      versionNegotiation: { mode: era },
    });
    try {
      await handshake(client, transport, options);
    } catch (error) {
      endLater(transport);
      throw error;
    }
    return new SdkConnection(client, transport, options);
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
      await http.close();
    },
  };
}
