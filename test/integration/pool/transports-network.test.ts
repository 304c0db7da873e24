import { describe, expect, it, onTestFinished } from 'vitest';
import { runsToItsEnd } from '../../support/mcp/client-process.js';
import { mcpErrorOf, openConnection } from '../../support/mcp/connect.js';
import { clientErrorOf, closedGate, openPool, textOf, until } from '../../support/mcp/pool.js';
import { networkServer, NETWORK_KINDS, type NetworkServer } from '../../support/mcp/transports.js';
import { startTcpProxy } from '../../support/network/tcp-proxy.js';

const HOUR_MS = 3_600_000;

describe.each(NETWORK_KINDS)('over $kind', ({ kind, open }) => {
  const poolOf = (server: { readonly url: string }, options = {}): ReturnType<typeof openPool> =>
    openPool([{ name: 'one', spec: { transport: networkServer(kind, server.url) } }], options);

  it('connects, lists, calls, tells progress, and sends the headers of the spec [C6]', async () => {
    const server = await open({ label: 'me' });
    const transport = networkServer(kind, server.url, { 'X-Own': 'spec' });
    const { pool } = openPool([{ name: 'one', spec: { transport } }], {
      credentials: async ({ user }) =>
        Promise.resolve({ headers: { authorization: `for ${user ?? 'all'}` }, revision: '1' }),
    });
    const connection = await pool.app.get('one');
    const names = (await connection.listTools()).map((tool) => tool.name);
    expect(names).toContain('label');
    expect(textOf(await connection.callTool({ name: 'label' }))).toBe('me');
    const told: (number | undefined)[] = [];
    const onProgress = ({ progress }: { progress: number }): number => told.push(progress);
    expect(textOf(await connection.callTool({ name: 'steps' }, { onProgress }))).toBe('done');
    // The SDK drops the last one when the answer comes right behind it.
    expect(told.slice(0, 2)).toEqual([1, 2]);
    const headers = JSON.parse(textOf(await connection.callTool({ name: 'headers' }))) as object;
    expect(headers).toMatchObject({ 'x-own': 'spec', authorization: 'for all' });
    expect(connection.serverInfo?.name).toBe('test');
    expect(server.opened).toBe(1);
  });

  it('gives each user a connection with the headers of that user only [C6]', async () => {
    const server = await open();
    const transport = networkServer(kind, server.url);
    const { pool } = openPool([{ name: 'one', tier: 'USER', spec: { transport } }], {
      credentials: async ({ user }) =>
        Promise.resolve({ headers: { authorization: user ?? '' }, revision: '1' }),
    });
    const users = ['ana', 'ben', 'cyd'];
    const seen = await Promise.all(
      users.map(async (user) => {
        const answer = textOf(await pool.user(user).callTool('one', { name: 'headers' }));
        return (JSON.parse(answer) as { authorization: string }).authorization;
      }),
    );
    expect(seen).toEqual(users);
    expect(server.opened).toBe(3);
  });

  it('tells the server of a cancelled call and of one out of time, and goes on', async () => {
    const server = await open();
    const { pool } = poolOf(server);
    const stop = new AbortController();
    const cancelled = clientErrorOf(
      pool.app.callTool('one', { name: 'wait' }, { signal: stop.signal }),
    );
    await until(() => server.waiting === 1);
    stop.abort();
    expect(await cancelled).toMatchObject({ reason: 'CANCELLED', sent: true });
    await until(() => server.count('notifications/cancelled') === 1);
    const late = clientErrorOf(pool.app.callTool('one', { name: 'wait' }, { timeoutMs: 100 }));
    expect(await late).toMatchObject({ reason: 'CALL_TIMEOUT', sent: true });
    await until(() => server.count('notifications/cancelled') === 2);
    expect(pool.app.loaded('one')?.state).toBe('live');
    expect(server.opened).toBe(1);
  });

  it('brings errors of the server, and failures of tools as results', async () => {
    const { pool } = poolOf(await open());
    const connection = await pool.app.get('one');
    expect((await connection.callTool({ name: 'fail' })).isError).toBe(true);
    const error = await clientErrorOf(connection.request({ method: 'own/unknown' }));
    expect([error.reason, error.metadata['code']]).toEqual(['CALL_REFUSED', '-32601']);
    expect(connection.state).toBe('live');
  });

  it('fails calls in flight when it is closed, and leaves no session', async () => {
    const server = await open();
    const { pool } = poolOf(server);
    const running = clientErrorOf(pool.app.callTool('one', { name: 'wait' }));
    await until(() => server.waiting === 1);
    await pool.close();
    expect((await running).reason).toBe('POOL_CLOSED');
    await until(() => server.alive === 0);
  });

  it('refuses calls after close, and fails those that close finds', async () => {
    const server = await open();
    const connection = await openConnection({ kind, url: server.url, headers: {} });
    const running = mcpErrorOf(connection.callTool({ name: 'wait' }));
    await until(() => server.waiting === 1);
    await Promise.all([connection.close(), connection.close()]);
    expect(await running).toMatchObject({ kind: 'lost', sent: true });
    const late = mcpErrorOf(connection.callTool({ name: 'label' }));
    expect(await late).toMatchObject({ kind: 'closed', sent: false });
  });

  it('fails a call at once when its server is killed, and says that it was sent', async () => {
    const server = await open();
    const { pool, seen } = poolOf(server);
    const running = clientErrorOf(
      pool.app.callTool('one', { name: 'wait' }, { timeoutMs: HOUR_MS }),
    );
    await until(() => server.waiting === 1);
    await server.stop();
    expect(await running).toMatchObject({ reason: 'CONNECTION_LOST', sent: true });
    expect(await seen(({ type }) => type === 'retired')).toMatchObject({ cause: 'lost' });
    await server.start();
    // Not repeated: the server may have acted on it.
    expect(server.count('tools/call')).toBe(1);
  });

  it('finds a server that is killed while idle, without a call and without a probe', async () => {
    const server = await open();
    const { pool, seen } = poolOf(server);
    await pool.app.callTool('one', { name: 'label' });
    // Over streamable HTTP the stream of notices is opened behind the handshake.
    await until(() => server.count('GET') === 1);
    await server.stop();
    expect(await seen(({ type }) => type === 'retired')).toMatchObject({ cause: 'lost' });
    expect(pool.app.loaded('one')).toBeUndefined();
    const error = await clientErrorOf(pool.app.callTool('one', { name: 'label' }));
    expect([error.reason, error.sent]).toEqual(['CONNECT_FAILED', false]);
  });

  it('finds a server that came back, with a connection of its own [C1]', async () => {
    const server = await open({ label: 'me' });
    const { pool } = poolOf(server);
    await pool.app.callTool('one', { name: 'label' });
    await server.stop();
    await server.start();
    await noticed();
    const calls = Array.from({ length: 10 }, () => pool.app.callTool('one', { name: 'label' }));
    expect((await Promise.all(calls)).map(textOf)).toEqual(Array(10).fill('me'));
    expect(server.opened).toBe(2);
  });

  it('waits for a slow handshake within its limit, and not beyond', async () => {
    const gate = closedGate();
    const server = await open({ before: () => gate.opened });
    const transport = networkServer(kind, server.url);
    const { pool } = openPool([
      { name: 'fast', spec: { transport, timeouts: { connectMs: 150 } } },
      { name: 'slow', spec: { transport, timeouts: { connectMs: 20_000 } } },
    ]);
    const slow = pool.app.get('slow');
    expect((await clientErrorOf(pool.app.get('fast'))).reason).toBe('CONNECT_TIMEOUT');
    gate.open();
    expect((await slow).state).toBe('live');
    await until(() => server.alive === 1);
  });

  it('lets the last waiter stop the connect', async () => {
    const gate = closedGate();
    const server = await open({ before: () => gate.opened });
    const { pool } = poolOf(server);
    const stop = new AbortController();
    const waiting = clientErrorOf(pool.app.get('one', { signal: stop.signal }));
    await until(() => server.count(kind === 'streamable_http' ? 'initialize' : 'GET') === 1);
    stop.abort();
    expect((await waiting).reason).toBe('CANCELLED');
    gate.open();
    await pool.close();
    await until(() => server.alive === 0);
  });

  it('asks for other credentials after a 401, and says so when there are none', async () => {
    let good = 'new';
    const server = await open({ authorize: ({ authorization }) => authorization === good });
    const transport = networkServer(kind, server.url);
    const asked: (string | undefined)[] = [];
    const { pool } = openPool([{ name: 'one', spec: { transport } }], {
      credentials: async ({ previous }) => {
        asked.push(previous);
        const revision = previous === undefined ? 'old' : 'new';
        return Promise.resolve({ headers: { authorization: revision }, revision });
      },
    });
    expect((await pool.app.get('one')).state).toBe('live');
    expect(asked).toEqual([undefined, 'old']);
    await pool.app.disconnect('one');
    good = 'none';
    const error = await clientErrorOf(pool.app.get('one'));
    expect([error.reason, error.metadata['status']]).toEqual(['UNAUTHORIZED', '401']);
    expect(server.alive).toBe(0);
  });

  it('takes a refusal of the connect as the server being unavailable', async () => {
    const server = await open({
      before: () => {
        throw new Error('overloaded');
      },
    });
    const { pool } = poolOf(server);
    const error = await clientErrorOf(pool.app.get('one'));
    expect(error).toMatchObject({ reason: 'CONNECT_FAILED', sent: false });
    expect(error.metadata).toMatchObject({ kind: 'unavailable', status: '500' });
    expect(error.retryAfterMs).toBeGreaterThan(0);
  });

  it('closes although the peer is deaf', async () => {
    const server = await open();
    const network = await startTcpProxy(new URL(server.url).host);
    onTestFinished(() => network[Symbol.asyncDispose]());
    const url = through(server, network.address);
    const connection = await openConnection({ kind, url, headers: {} });
    const running = mcpErrorOf(connection.callTool({ name: 'wait' }));
    await until(() => server.waiting === 1);
    network.hold('to-client', 'to-server');
    await connection.close();
    expect(await running).toMatchObject({ kind: 'lost', sent: true });
  });

  it.each(['idle', 'killed'] as const)(
    'leaves nothing that keeps a process from its end (%s)',
    async (how) => {
      const server = await open();
      const client = await runsToItsEnd({ kind, url: server.url });
      expect(server.opened).toBe(1);
      if (how === 'killed') await server.stop();
      expect(await client.end()).toEqual({ code: 0, said: 'me' });
    },
  );
});

describe.each(NETWORK_KINDS.filter(({ kind }) => kind !== 'streamable_http'))(
  'over $kind, one stream for everything',
  ({ kind, open }) => {
    it('counts a peer as lost from which nothing comes, if a limit is set', async () => {
      const server = await open();
      const network = await startTcpProxy(new URL(server.url).host);
      onTestFinished(() => network[Symbol.asyncDispose]());
      const transport = networkServer(kind, through(server, network.address));
      const { pool, seen } = openPool([
        { name: 'one', spec: { transport, timeouts: { readMs: 1000, callMs: HOUR_MS } } },
      ]);
      const running = clientErrorOf(pool.app.callTool('one', { name: 'wait' }));
      await until(() => server.waiting === 1);
      network.hold('to-client', 'to-server');
      expect(await running).toMatchObject({ reason: 'CONNECTION_LOST', sent: true });
      network.abandon();
      expect(await seen(({ type }) => type === 'retired')).toMatchObject({ cause: 'lost' });
      expect(textOf(await pool.app.callTool('one', { name: 'label' }))).toBe('');
    });
  },
);

function through(server: Pick<NetworkServer, 'url'>, address: string): string {
  const url = new URL(server.url);
  url.host = address;
  return url.href;
}

/** Gives the client, which shares our event loop, the turns to see that its sockets were closed. */
async function noticed(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
