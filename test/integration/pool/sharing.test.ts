import { describe, expect, it, onTestFinished } from 'vitest';
import { isClientError } from '../../../src/client/client-error.js';
import { createPool, type ConnectionPool } from '../../../src/client/pool/create-pool.js';
import type { PoolEvent } from '../../../src/client/pool/pool-event.js';
import type { PoolOptions } from '../../../src/client/pool/pool-options.js';
import { startMcpHttpServer, type HttpServerOptions, type McpHttpServer } from '../../support/mcp-http-server.js';
import { ServerList } from '../../support/mcp-server-list.js';
import { httpServer } from '../../support/mcp-specs.js';

async function httpServerFor(options?: HttpServerOptions): Promise<McpHttpServer> {
  const server = await startMcpHttpServer(options);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

function poolOf(view: ServerList, options: Partial<PoolOptions> = {}): ConnectionPool {
  const pool = createPool({ view, ...options });
  onTestFinished(() => pool.close());
  return pool;
}

describe('one connection for many', () => {
  it('makes one MCP session for 1,000 concurrent gets [C1]', async () => {
    const server = await httpServerFor();
    const view = new ServerList();
    view.put({ name: 'one', spec: { transport: httpServer(server.url) } });
    const pool = poolOf(view);
    const all = await Promise.all(Array.from({ length: 1000 }, () => pool.app.get('one')));
    expect(server.opened).toBe(1);
    expect(new Set(all.map((one) => one.connectedAt)).size).toBe(1);
    await pool.close();
    expect(server.deleted).toBe(1);
    expect(server.alive).toBe(0);
  });
});
