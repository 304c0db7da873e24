import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openModernServer } from '../../support/mcp/modern-server.js';
import { mcpErrorOf, openConnection } from '../../support/mcp/connect.js';
import {
  clientErrorOf,
  closedGate,
  isGroupAlive,
  openHttpServer,
  openPool,
  textOf,
  until,
} from '../../support/mcp/pool.js';
import { EVERYTHING, httpServer, nodeServer } from '../../support/mcp/specs.js';

describe('transports', () => {
  it('follow no redirect to another origin, and carry no header there', async () => {
    const elsewhere = await openHttpServer();
    const redirecting = createServer((_request, response) => {
      response.writeHead(307, { location: elsewhere.url }).end();
    }).listen(0, '127.0.0.1');
    await once(redirecting, 'listening');
    onTestFinished(() => void redirecting.close());
    const { port } = redirecting.address() as AddressInfo;
    const transport = httpServer(`http://127.0.0.1:${String(port)}/mcp`, {
      authorization: 'secret',
    });
    const { pool } = openPool([{ name: 'one', spec: { transport } }]);
    expect((await clientErrorOf(pool.app.get('one'))).reason).toBe('CONNECT_FAILED');
    expect([elsewhere.count('initialize'), elsewhere.opened]).toEqual([0, 0]);
  });

  it('speak the newer protocol only when told to, over HTTP', async () => {
    const url = await openModernServer();
    const servers = [{ name: 'one', spec: { transport: httpServer(url) } }];
    const [legacy, auto] = [
      openPool(servers),
      openPool(servers, { era: 'auto', probeAfterMs: 0, sweepEveryMs: 10 }),
    ];
    const older = await openHttpServer({ label: 'older' });
    for (const { pool } of [legacy, auto]) {
      expect(textOf(await pool.app.callTool('one', { name: 'label' }))).toBe('modern');
    }
    auto.view.put({ name: 'old', spec: { transport: httpServer(older.url) } });
    expect(textOf(await auto.pool.app.callTool('old', { name: 'label' }))).toBe('older');
    expect(older.opened).toBe(1);
    const eras = [legacy.pool, auto.pool].map((pool) => pool.app.loaded('one')?.era);
    expect([...eras, auto.pool.app.loaded('old')?.era]).toEqual(['legacy', 'modern', 'legacy']);
    await until(() => older.count('ping') > 0);
    expect(auto.pool.app.loaded('one')?.state).toBe('live');
  });

  it('count a stream that is silent too long as lost', async () => {
    const server = await openHttpServer({ refusesGet: true });
    const { pool } = openPool([
      {
        name: 'one',
        spec: { transport: httpServer(server.url), timeouts: { readMs: 200, callMs: 3_600_000 } },
      },
    ]);
    const error = await clientErrorOf(pool.app.callTool('one', { name: 'wait' }));
    expect([error.reason, error.sent]).toEqual(['CONNECTION_LOST', true]);
  });
});

describe('connections over stdio', () => {
  const { command, args } = nodeServer([EVERYTHING, 'stdio']);
  const env = { PATH: process.env['PATH'] ?? '' };
  const target = { kind: 'stdio', command, args, env, stderr: 'ignore' } as const;
  const long = { name: 'trigger-long-running-operation', arguments: { duration: 60, steps: 600 } };

  it('fail their calls when close finds them, and refuse any after it', async () => {
    const connection = await openConnection(target);
    const late = mcpErrorOf(connection.callTool(long, { timeoutMs: 100 }));
    expect(await late).toMatchObject({ kind: 'timeout', sent: true });
    const began = closedGate();
    const running = mcpErrorOf(connection.callTool(long, { onProgress: () => began.open() }));
    await began.opened;
    await connection.close();
    expect(await running).toMatchObject({ kind: 'lost', sent: true });
    const after = mcpErrorOf(connection.callTool(long));
    expect(await after).toMatchObject({ kind: 'closed', sent: false });
  });

  it('tell at once that their process was killed, without a call', async () => {
    const gone = closedGate();
    const { pid } = await openConnection(target, { onClosed: () => gone.open() });
    process.kill(pid ?? 0, 'SIGKILL');
    await gone.opened;
    expect(isGroupAlive(pid ?? 0)).toBe(false);
  });
});

describe('calls', () => {
  it('start their time anew with progress, and tell it', async () => {
    const { pool } = openPool([
      {
        name: 'one',
        spec: { transport: nodeServer([EVERYTHING, 'stdio']), timeouts: { callMs: 2000 } },
      },
    ]);
    const long = { name: 'trigger-long-running-operation', arguments: { duration: 3, steps: 12 } };
    const told: number[] = [];
    const onProgress = ({ progress }: { progress: number }): number => told.push(progress);
    expect((await pool.app.callTool('one', long)).isError).toBe(false);
    expect((await pool.app.callTool('one', long, { onProgress })).isError).toBe(false);
    // The SDK drops the last one when the answer comes right behind it.
    expect(told.slice(0, 11)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it('that are cancelled or out of time are told to the server', async () => {
    const server = await openHttpServer();
    const { pool } = openPool([{ name: 'one', spec: { transport: httpServer(server.url) } }]);
    const stop = new AbortController();
    const cancelled = clientErrorOf(
      pool.app.callTool('one', { name: 'wait' }, { signal: stop.signal }),
    );
    await until(() => server.waiting === 1);
    stop.abort();
    const error = await cancelled;
    expect([error.reason, error.sent]).toEqual(['CANCELLED', true]);
    await until(() => server.count('notifications/cancelled') === 1);
    const late = await clientErrorOf(
      pool.app.callTool('one', { name: 'wait' }, { timeoutMs: 100 }),
    );
    expect([late.reason, late.sent]).toEqual(['CALL_TIMEOUT', true]);
    await until(() => server.count('notifications/cancelled') === 2);
    expect((await pool.app.get('one')).state).toBe('live');
    const before = clientErrorOf(
      pool.app.callTool('one', { name: 'wait' }, { signal: AbortSignal.abort() }),
    );
    expect([(await before).reason, (await before).sent]).toEqual(['CANCELLED', false]);
  });

  it('bring errors of the server with their code, and failures of tools as results', async () => {
    const server = await openHttpServer();
    const { pool } = openPool([{ name: 'one', spec: { transport: httpServer(server.url) } }]);
    expect(await pool.app.callTool('one', { name: 'fail' })).toEqual({
      content: [{ type: 'text', text: 'no' }],
      isError: true,
    });
    const connection = await pool.app.get('one');
    const error = await clientErrorOf(connection.request({ method: 'own/unknown' }));
    expect([error.reason, error.metadata['code']]).toEqual(['CALL_REFUSED', '-32601']);
    const listed = await connection.request({ method: 'tools/list' });
    expect(Object.keys(listed)).toContain('tools');
    expect(connection.state).toBe('live');
  });

  it('that the server turns away for now are a typed error and no end of the connection', async () => {
    let turnsAway = false;
    const server = await openHttpServer({
      before: (method) => {
        if (turnsAway && method === 'tools/call') throw new Error('overloaded');
      },
    });
    const { pool } = openPool([{ name: 'one', spec: { transport: httpServer(server.url) } }]);
    const before = await pool.app.get('one');
    turnsAway = true;
    const error = await clientErrorOf(pool.app.callTool('one', { name: 'label' }));
    expect([error.reason, error.metadata['status'], error.sent]).toEqual([
      'SERVER_UNAVAILABLE',
      '500',
      true,
    ]);
    turnsAway = false;
    await pool.app.callTool('one', { name: 'label' });
    expect(await pool.app.get('one')).toBe(before);
  });

  it('list tools over all pages, through the tool filter as it is now', async () => {
    const program = `
      process.stdin.setEncoding('utf8');
      let rest = '';
      process.stdin.on('data', (text) => {
        const lines = (rest + text).split('\\n');
        rest = lines.pop();
        for (const line of lines) {
          const { id, method, params } = JSON.parse(line);
          if (id === undefined) continue;
          const tool = (name) => ({ name, inputSchema: { type: 'object' } });
          const page = Number(params?.cursor ?? 0);
          const result = method === 'initialize'
            ? { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'own', version: '1' }, instructions: 'be kind' }
            : method === 'tools/list'
              ? { tools: [tool('a' + page), tool('b' + page)], ...(page < 2 ? { nextCursor: String(page + 1) } : {}) }
              : { content: [{ type: 'text', text: params.name }] };
          process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
        }
      });`;
    const transport = nodeServer(['-e', program]);
    const { pool, view } = openPool([
      { name: 'one', spec: { transport, instructions: { kind: 'from_server' } } },
    ]);
    const connection = await pool.app.get('one');
    const names = async (): Promise<string[]> =>
      (await connection.listTools()).map((tool) => tool.name);
    expect([await names(), connection.instructions]).toEqual([
      ['a0', 'b0', 'a1', 'b1', 'a2', 'b2'],
      'be kind',
    ]);
    const toolFilter = { allow: ['a0', 'a1', 'b1'], deny: ['a1'] };
    view.put({
      name: 'one',
      spec: { transport, toolFilter, instructions: { kind: 'text', text: 'own' } },
    });
    expect([await names(), connection.instructions]).toEqual([['a0', 'b1'], 'own']);
    expect(textOf(await connection.callTool({ name: 'b1' }))).toBe('b1');
    for (const name of ['a1', 'b2']) {
      expect((await clientErrorOf(connection.callTool({ name }))).reason).toBe('TOOL_NOT_ALLOWED');
    }
    view.put({ name: 'one', spec: { transport } });
    expect([connection.instructions, connection.state]).toEqual([undefined, 'live']);
  });
});
