import { describe, expect, it } from 'vitest';
import { clientErrorOf, openHttpServer, openPool, textOf } from '../../support/mcp/pool.js';
import { openOddServer } from '../../support/mcp/odd-server.js';
import { httpServer, nodeServer } from '../../support/mcp/specs.js';

/** The limit grows by 50 with each second: the slowest machine is at its end before all are answered. */
const DEMANDED = 20_000;
const EVENTS = { 'content-type': 'text/event-stream' };

const requests = (method: string, count: number): object[] =>
  Array.from({ length: count }, (_, index) => ({
    jsonrpc: '2.0',
    method,
    id: `own-${String(index)}`,
  }));

describe('a server that demands too much by itself', () => {
  it.each([{ method: 'ping' }, { method: 'sampling/createMessage' }])(
    'over streamable HTTP: its connection ends at $method, others go on [C7]',
    async ({ method }) => {
      const odd = await openOddServer(({ rpc, request, response }) => {
        if (request.method === 'GET') {
          response.writeHead(200, EVENTS);
          const events = requests(method, DEMANDED).map(
            (message) => `data: ${JSON.stringify(message)}\n\n`,
          );
          response.write(events.join(''));
          return true;
        }
        return rpc?.method === 'tools/call';
      });
      const good = await openHttpServer({ label: 'good' });
      const { pool, seen } = openPool([
        { name: 'odd', spec: { transport: httpServer(odd.url) } },
        { name: 'good', spec: { transport: httpServer(good.url) } },
      ]);
      const error = await clientErrorOf(pool.app.callTool('odd', { name: 'one' }));
      expect(error.reason).toBe('LIMIT_EXCEEDED');
      await seen(({ type, name }) => type === 'closed' && name === 'odd');
      expect(odd.seen.length).toBeLessThan(DEMANDED);
      expect(textOf(await pool.app.callTool('good', { name: 'label' }))).toBe('good');
    },
  );

  it('over stdio, without reading an answer: its process is ended', async () => {
    const program = `
      const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
      process.stdin.once('data', (data) => {
        const { id } = JSON.parse(String(data).split('\\n')[0]);
        const serverInfo = { name: 'odd', version: '1' };
        send({ id, result: { protocolVersion: '2025-06-18', capabilities: {}, serverInfo } });
        process.stdin.pause();
        const pad = 'x'.repeat(1000);
        let next = 0;
        setInterval(() => {
          for (let at = 0; at < 400; at += 1) send({ id: pad + String(next++), method: 'ping' });
        }, 1);
      });`;
    const { pool, seen } = openPool([
      { name: 'odd', spec: { transport: nodeServer(['-e', program]) } },
    ]);
    const error = await clientErrorOf(
      pool.app.get('odd').then((connection) => connection.request({ method: 'tools/list' })),
    );
    expect(error.reason).toBe('LIMIT_EXCEEDED');
    await seen(({ type }) => type === 'closed');
  });
});
