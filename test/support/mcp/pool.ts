import { expect, onTestFinished } from 'vitest';
import { isClientError, type ClientError } from '../../../src/client/client-error.js';
import { createNodePolicy, type NodePolicy } from '../../../src/client/node-policy.js';
import { createPool, type ConnectionPool } from '../../../src/client/pool/create-pool.js';
import type { PoolEvent } from '../../../src/client/pool/pool-event.js';
import type { PoolOptions } from '../../../src/client/pool/pool-options.js';
import type { TransportPolicy } from '../../../src/domain/transport-policy.js';
import type { ToolResult } from '../../../src/mcp/mcp-connection.js';
import { eventually } from '../eventually.js';
import { OPEN_POLICY } from '../transport-policy.js';
import { startMcpHttpServer, type HttpServerOptions, type McpHttpServer } from './http-server.js';
import { ServerList, type Declared } from './server-list.js';

/** A pool of one test, its view, and what it has told so far. */
export interface TestPool {
  readonly pool: ConnectionPool;
  readonly view: ServerList;
  readonly events: PoolEvent[];
  /** Waits for the first event that `matches`, also one of the past. */
  seen(matches: (event: PoolEvent) => boolean): Promise<PoolEvent>;
  /** The types of the events of one server, in order. */
  history(serverId: string): string[];
}

/** A pool over `servers`; closed with the test. */
export function openPool(
  servers: readonly Declared[],
  options: Partial<PoolOptions> = {},
): TestPool {
  const view = new ServerList();
  view.apply(servers);
  const events: PoolEvent[] = [];
  const pool = createPool({
    view,
    policy: nodePolicy(OPEN_POLICY),
    onEvent: (event) => events.push(event),
    ...options,
  });
  onTestFinished(() => pool.close());
  return {
    pool,
    view,
    events,
    seen: async (matches) =>
      eventually(
        () => {
          const found = events.find(matches);
          if (found === undefined) throw new Error(`not among ${JSON.stringify(events)}`);
          return found;
        },
        { intervalMs: 5 },
      ),
    history: (serverId) =>
      events.filter((event) => event.serverId === serverId).map((event) => event.type),
  };
}

/** A policy as the control plane would have said it. */
export function nodePolicy(told: TransportPolicy): NodePolicy {
  const policy = createNodePolicy();
  policy.follow(told);
  return policy;
}

/** A real MCP server over HTTP; stopped with the test. */
export async function openHttpServer(options: HttpServerOptions = {}): Promise<McpHttpServer> {
  const server = await startMcpHttpServer(options);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

/** The ClientError that `work` rejects with. */
export async function clientErrorOf(work: Promise<unknown>): Promise<ClientError> {
  const outcome: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (isClientError(outcome)) return outcome;
  throw new Error(`no ClientError: ${String(outcome)}`, { cause: outcome });
}

/** The text of a tool's answer. */
export function textOf(result: ToolResult): string {
  const [first] = result.content;
  expect(first?.type).toBe('text');
  return first?.type === 'text' ? first.text : '';
}

/** Waits until `check` holds. */
export async function until(check: () => boolean): Promise<void> {
  await eventually(() => expect(check()).toBe(true), { intervalMs: 5 });
}

/** Whether any process of the group is there. */
export function isGroupAlive(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Whether the process is there. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Something to wait at until it is opened. */
export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

export function closedGate(): Gate {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open() };
}
