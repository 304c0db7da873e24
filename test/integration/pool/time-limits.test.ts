import { describe, expect, it } from 'vitest';
import { observe } from '../../../src/mcp/observe.js';
import { mcpErrorOf, openConnection } from '../../support/mcp/connect.js';
import { ownServer } from '../../support/mcp/own-server.js';
import { clientErrorOf, openPool, until } from '../../support/mcp/pool.js';
import { nodeServer } from '../../support/mcp/specs.js';

const HOUR_MS = 3_600_000;

/** Reports progress on `tools/call` and `tools/list`, and never answers. */
const BUSY = `
  process.stdin.once('end', () => process.exit(0));
  let cancelled = 0;
  const work = (id, { _meta }) => setInterval(() => say(JSON.stringify({
    jsonrpc: '2.0', method: 'notifications/progress',
    params: { progressToken: _meta.progressToken, progress: Date.now() },
  }) + '\\n'), 5);
  handle('tools/call', work);
  handle('tools/list', work);
  handle('notifications/cancelled', () => (cancelled += 1));
  handle('x/cancelled', (id) => answer(id, { cancelled }));`;

describe('a request to a server that keeps reporting progress', () => {
  it('fails after its time in all, and the server hears that it is cancelled', async () => {
    const connection = await openConnection(ownServer(BUSY), { callMs: HOUR_MS });
    let told = 0;
    const error = await mcpErrorOf(
      connection.callTool({ name: 'x' }, { totalTimeoutMs: 200, onProgress: () => (told += 1) }),
    );
    expect([error.kind, error.sent]).toEqual(['timeout', true]);
    expect(error.message).toContain('200 ms');
    expect(told).toBeGreaterThan(0);
    expect(await connection.request({ method: 'x/cancelled' })).toEqual({ cancelled: 1 });
  });

  it('has ten times the time of a call without progress by default [C7]', async () => {
    const { args, command } = ownServer(BUSY);
    const transport = nodeServer(args, { command });
    const { pool } = openPool([{ name: 'one', spec: { transport, timeouts: { callMs: 100 } } }]);
    const error = await clientErrorOf(pool.app.callTool('one', { name: 'x' }));
    expect([error.reason, error.sent]).toEqual(['CALL_TIMEOUT', true]);
    const scope = { totalTimeoutMs: 50, timeoutMs: HOUR_MS };
    const late = await clientErrorOf(pool.app.callTool('one', { name: 'x' }, scope));
    expect(late.message).toContain('50 ms');
  });

  it('is observed for as long as the observation may take, not longer', async () => {
    const connection = await openConnection(ownServer(BUSY), { callMs: HOUR_MS });
    const { signal } = new AbortController();
    const error = await mcpErrorOf(observe(connection, { signal, timeoutMs: 200 }));
    expect(error.kind).toBe('timeout');
  });

  it('is still cancelled by its caller', async () => {
    const connection = await openConnection(ownServer(BUSY), { callMs: HOUR_MS });
    const stop = new AbortController();
    let told = 0;
    const calling = mcpErrorOf(
      connection.callTool({ name: 'x' }, { signal: stop.signal, onProgress: () => (told += 1) }),
    );
    await until(() => told > 0);
    stop.abort();
    expect((await calling).kind).toBe('aborted');
    expect(await connection.request({ method: 'x/cancelled' })).toEqual({ cancelled: 1 });
  });
});
