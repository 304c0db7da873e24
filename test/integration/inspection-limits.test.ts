import { describe, expect, it } from 'vitest';
import { inspect, openInspector } from '../support/inspection/inspector.js';
import { flood, gzipBomb, type Flood } from '../support/mcp/floods.js';
import { openOddServer } from '../support/mcp/odd-server.js';
import { until } from '../support/mcp/pool.js';
import { httpServer } from '../support/mcp/specs.js';

const MIB = 1024 * 1024;

describe('an inspection of a hostile server', () => {
  it('reads only the beginning of an error without an end', async () => {
    const floods: Flood[] = [];
    const odd = await openOddServer(({ response }) => {
      response.writeHead(400, { 'content-type': 'text/plain' });
      floods.push(flood(response, 'x'.repeat(64 * 1024)));
      return true;
    });
    const result = await inspect(openInspector(), httpServer(odd.url));
    expect(result).toMatchObject({ kind: 'failed', reason: 'INVALID_ANSWER' });
    await until(() => floods.every(({ isOver }) => isOver));
    for (const { bytes } of floods) expect(bytes).toBeLessThan(24 * MIB);
  });

  it('ends at a gzip bomb, by what comes out of it', async () => {
    const bomb = await gzipBomb('{"jsonrpc":"2.0",', 64);
    const odd = await openOddServer(({ rpc, response }) => {
      if (rpc?.method !== 'tools/list') return false;
      const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
      response.writeHead(200, headers).end(bomb);
      return true;
    });
    const result = await inspect(openInspector(), httpServer(odd.url));
    expect(result).toMatchObject({ kind: 'failed', reason: 'TOO_LARGE' });
  });

  it('is typed when a schema is nested too deep', async () => {
    const schema = `${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`;
    const odd = await openOddServer(({ rpc, response }) => {
      if (rpc?.method !== 'tools/list') return false;
      const tools = `[{"name":"one","inputSchema":${schema}}]`;
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(`{"jsonrpc":"2.0","id":${String(rpc.id)},"result":{"tools":${tools}}}`);
      return true;
    });
    const result = await inspect(openInspector(), httpServer(odd.url));
    expect(result).toMatchObject({ kind: 'failed', reason: 'TOO_LARGE' });
  });
});
