import { describe, expect, it, onTestFinished } from 'vitest';
import { mcpErrorOf, openConnection } from '../../support/mcp/connect.js';
import { clientErrorOf, openPool, textOf, until, type TestPool } from '../../support/mcp/pool.js';
import { networkServer, openWebSocketServer } from '../../support/mcp/transports.js';
import { startTcpProxy } from '../../support/network/tcp-proxy.js';

const HOUR_MS = 3_600_000;

const poolOf = (server: { readonly url: string }, timeouts = {}): TestPool =>
  openPool([
    { name: 'one', spec: { transport: networkServer('websocket', server.url), timeouts } },
  ]);

describe('an upgrade to a WebSocket', () => {
  it.each([
    [307, 'connect_failed'],
    [403, 'connect_failed'],
    [404, 'connect_failed'],
    [429, 'unavailable'],
    [503, 'unavailable'],
  ])('that is refused with %i is a typed error (%s)', async (refuses, kind) => {
    const server = await openWebSocketServer({ refuses });
    const error = await clientErrorOf(poolOf(server).pool.app.get('one'));
    expect([error.reason, error.sent]).toEqual(['CONNECT_FAILED', false]);
    expect(error.metadata).toMatchObject({ kind, status: String(refuses) });
  });

  it('needs a server that speaks the subprotocol mcp', async () => {
    const server = await openWebSocketServer({ withoutSubprotocol: true });
    const error = await clientErrorOf(poolOf(server).pool.app.get('one'));
    expect(error.reason).toBe('CONNECT_FAILED');
    expect(error.message).toContain('subprotocol');
    await until(() => server.alive === 0);
  });

  it('is of the older protocol, without asking for the newer one', async () => {
    const server = await openWebSocketServer();
    const target = { kind: 'websocket', url: server.url, headers: {} } as const;
    const connection = await openConnection(target, { era: 'auto' });
    expect([connection.era, server.count('server/discover')]).toEqual(['legacy', 0]);
  });
});

describe('a WebSocket that the server closes', () => {
  it.each([
    [1000, 'CONNECTION_LOST'],
    [1001, 'CONNECTION_LOST'],
    [1008, 'CONNECTION_LOST'],
    [1009, 'CONNECTION_LOST'],
    [1011, 'CONNECTION_LOST'],
    [1013, 'SERVER_UNAVAILABLE'],
    [3000, 'UNAUTHORIZED'],
    [3003, 'CALL_REFUSED'],
    [4401, 'UNAUTHORIZED'],
    [4403, 'CALL_REFUSED'],
  ] as const)('with %i fails its calls with %s, and is replaced', async (code, reason) => {
    const server = await openWebSocketServer({ label: 'me' });
    const { pool, seen } = poolOf(server);
    const running = clientErrorOf(
      pool.app.callTool('one', { name: 'wait' }, { timeoutMs: HOUR_MS }),
    );
    await until(() => server.waiting === 1);
    server.closeSockets(code, 'so it is');
    const error = await running;
    expect([error.reason, error.sent]).toEqual([reason, true]);
    expect(error.message).toContain(`${String(code)}: so it is`);
    await seen(({ type }) => type === 'closed');
    expect(textOf(await pool.app.callTool('one', { name: 'label' }))).toBe('me');
    expect([server.opened, server.count('tools/call')]).toEqual([2, 2]);
  });

  it('for want of good credentials asks for others before the next one', async () => {
    const server = await openWebSocketServer();
    const transport = networkServer('websocket', server.url);
    const { pool } = openPool([{ name: 'one', spec: { transport } }], {
      credentials: async ({ previous = 'none' }) =>
        Promise.resolve({ headers: { authorization: `after ${previous}` }, revision: previous }),
    });
    const running = clientErrorOf(pool.app.callTool('one', { name: 'wait' }));
    await until(() => server.waiting === 1);
    server.closeSockets(4401);
    expect((await running).reason).toBe('UNAUTHORIZED');
    const headers = textOf(await pool.app.callTool('one', { name: 'headers' }));
    expect(JSON.parse(headers)).toMatchObject({ authorization: 'after none' });
    expect(server.opened).toBe(2);
  });
});

describe('what a WebSocket server sends', () => {
  it('may hold what is no message: it is told and skipped', async () => {
    const server = await openWebSocketServer();
    const errors: string[] = [];
    const connection = await openConnection(
      { kind: 'websocket', url: server.url, headers: {} },
      { onError: (error) => errors.push(error.name) },
    );
    for (const frame of ['{broken', '{"jsonrpc":"1.0"}', Buffer.from('{}')]) server.sendRaw(frame);
    expect(textOf(await connection.callTool({ name: 'echo', arguments: { text: 'é…' } }))).toBe(
      'é…',
    );
    expect(errors).toEqual(['SyntaxError', 'ZodError', 'Error']);
  });

  it.each([
    ['is larger than a message may be', (): string => 'x'.repeat(11 * 1024 * 1024), '10485760'],
    // A text frame of two bytes that are no UTF-8, and one with a reserved bit.
    ['is no text', (): Buffer => Buffer.from([0x81, 0x02, 0xc3, 0x28]), 'UTF-8'],
    ['is no frame', (): Buffer => Buffer.from([0xf1, 0x00]), 'RSV'],
  ])('that %s ends it at once', async (_title, frame, text) => {
    const server = await openWebSocketServer({ label: 'me' });
    const { pool } = poolOf(server);
    const running = clientErrorOf(
      pool.app.callTool('one', { name: 'wait' }, { timeoutMs: HOUR_MS }),
    );
    await until(() => server.waiting === 1);
    const sent = frame();
    if (typeof sent === 'string') server.sendRaw(sent);
    else server.writeBytes(sent);
    const error = await running;
    const reason = typeof sent === 'string' ? 'LIMIT_EXCEEDED' : 'CONNECTION_LOST';
    expect([error.reason, error.sent]).toEqual([reason, true]);
    expect(error.message).toContain(text);
    expect(textOf(await pool.app.callTool('one', { name: 'label' }))).toBe('me');
    await until(() => server.alive === 1);
  });
});

describe('the peer of a WebSocket', () => {
  it('that answers pings is alive, however long a call takes', async () => {
    const server = await openWebSocketServer();
    const { pool } = poolOf(server, { readMs: 200, callMs: HOUR_MS });
    const running = pool.app.callTool('one', { name: 'wait' });
    await until(() => server.count('ping frame') >= 6);
    server.release();
    expect(textOf(await running)).toBe('released');
    expect([pool.app.loaded('one')?.state, server.opened]).toEqual(['live', 1]);
  });

  it('may take almost as long as the limit for its answers', async () => {
    const server = await openWebSocketServer();
    const network = await startTcpProxy(new URL(server.url).host);
    onTestFinished(() => network[Symbol.asyncDispose]());
    network.delay(350);
    const { pool } = poolOf({ url: `ws://${network.address}/mcp` }, { readMs: 1000 });
    expect((await pool.app.get('one')).state).toBe('live');
    await until(() => server.count('ping frame') >= 3);
    expect(textOf(await pool.app.callTool('one', { name: 'label' }))).toBe('');
    expect(server.opened).toBe(1);
  });

  it('that answers no ping is lost, also while idle', async () => {
    const server = await openWebSocketServer();
    const { pool, seen } = poolOf(server, { readMs: 200 });
    await pool.app.get('one');
    server.freeze();
    expect(await seen(({ type }) => type === 'retired')).toMatchObject({ cause: 'lost' });
    expect(textOf(await pool.app.callTool('one', { name: 'label' }))).toBe('');
    expect(server.opened).toBe(2);
  });

  it('is not pinged without a limit', async () => {
    const server = await openWebSocketServer();
    const connection = await openConnection({ kind: 'websocket', url: server.url, headers: {} });
    await connection.callTool({ name: 'label' });
    await connection.close();
    expect(server.count('ping frame')).toBe(0);
    await until(() => server.alive === 0);
    expect(server.closeCodes).toEqual([1000]);
  });

  it('that goes away unseen fails what was written to it, and nothing is written twice', async () => {
    const server = await openWebSocketServer({ label: 'me' });
    const { pool } = poolOf(server);
    await pool.app.callTool('one', { name: 'label' });
    server.cut();
    // In the same turn, in which no end can have been seen.
    const error = await clientErrorOf(pool.app.callTool('one', { name: 'label' }));
    expect([error.reason, error.sent]).toEqual(['CONNECTION_LOST', true]);
    expect(textOf(await pool.app.callTool('one', { name: 'label' }))).toBe('me');
    expect([server.opened, server.count('tools/call')]).toEqual([2, 2]);
  });

  it('that does not answer our close is cut off, and its calls failed before', async () => {
    const server = await openWebSocketServer();
    const connection = await openConnection({ kind: 'websocket', url: server.url, headers: {} });
    const running = mcpErrorOf(connection.callTool({ name: 'wait' }));
    await until(() => server.waiting === 1);
    server.freeze();
    const order: string[] = [];
    void running.then(({ kind }) => order.push(kind));
    await connection.close().then(() => order.push('closed'));
    expect(order).toEqual(['lost', 'closed']);
  });
});
