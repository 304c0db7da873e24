import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../support/eventually.js';
import { freePort, startEverything } from '../../support/mcp/everything.js';
import {
  clientErrorOf,
  closedGate,
  openHttpServer,
  openPool,
  textOf,
  until,
} from '../../support/mcp/pool.js';
import { httpServer } from '../../support/mcp/specs.js';
import { networkServer } from '../../support/mcp/transports.js';

describe('a server that goes away', () => {
  it.each([404, 400] as const)(
    'and forgets the session, answering %i: the next call finds another one [C1]',
    async (unknownSession) => {
      const server = await openHttpServer({ unknownSession, label: 'me' });
      const { pool, seen } = openPool([
        { name: 'one', spec: { transport: httpServer(server.url) } },
      ]);
      const before = await pool.app.get('one');
      server.forgetSessions();
      expect(textOf(await pool.app.callTool('one', { name: 'label' }))).toBe('me');
      expect([before.state === 'live', server.opened]).toEqual([false, 2]);
      const retired = await seen(({ type }) => type === 'retired');
      expect(retired).toMatchObject({ cause: 'lost' });
      const calls = Array.from({ length: 20 }, () => pool.app.callTool('one', { name: 'label' }));
      await Promise.all(calls);
      expect(server.opened).toBe(2);
    },
  );

  it('and comes back on its port: the next call reconnects', async () => {
    const server = await openHttpServer({ label: 'me' });
    const { pool } = openPool([{ name: 'one', spec: { transport: httpServer(server.url) } }]);
    await pool.app.callTool('one', { name: 'label' });
    await server.stop();
    await noticed();
    await server.start();
    expect(textOf(await pool.app.callTool('one', { name: 'label' }))).toBe('me');
    expect(server.opened).toBe(2);
  });

  it('and stays away: a typed error, with nothing sent', async () => {
    const server = await openHttpServer();
    const { pool } = openPool([{ name: 'one', spec: { transport: httpServer(server.url) } }]);
    await pool.app.callTool('one', { name: 'label' });
    await server.stop();
    await noticed();
    const error = await clientErrorOf(pool.app.callTool('one', { name: 'label' }));
    expect([error.reason, error.sent]).toEqual(['CONNECT_FAILED', false]);
    expect(error.retryAfterMs).toBeGreaterThan(0);
  });

  it.each([{ json: false }, { json: true }])(
    'in the middle of a call: the call fails now, not at its time-out (json $json)',
    async (options) => {
      const server = await openHttpServer(options);
      const { pool } = openPool([{ name: 'one', spec: { transport: httpServer(server.url) } }]);
      const running = clientErrorOf(
        pool.app.callTool('one', { name: 'wait' }, { timeoutMs: 3_600_000 }),
      );
      await until(() => server.waiting === 1);
      await server.stop();
      const error = await running;
      expect([error.reason, error.sent]).toEqual(['CONNECTION_LOST', true]);
      await until(() => pool.app.loaded('one') === undefined);
    },
  );

  it('while idle: the probe finds it, and the next get reconnects', async () => {
    const server = await openHttpServer();
    const { pool, seen } = openPool(
      [{ name: 'one', spec: { transport: httpServer(server.url) } }],
      {
        probeAfterMs: 50,
        sweepEveryMs: 20,
      },
    );
    const before = await pool.app.get('one');
    await until(() => server.count('ping') > 0);
    expect(before.state).toBe('live');
    server.forgetSessions();
    expect(await seen(({ type }) => type === 'retired')).toMatchObject({ cause: 'lost' });
    expect((await pool.app.get('one')).connectedAt).toBeGreaterThanOrEqual(before.connectedAt);
    expect(server.opened).toBe(2);
  });

  it('while idle without a probe due: the lost stream of notices asks at once', async () => {
    const server = await openHttpServer();
    const { pool, seen } = openPool([{ name: 'one', spec: { transport: httpServer(server.url) } }]);
    await pool.app.callTool('one', { name: 'label' });
    await until(() => server.count('GET') === 1);
    await server.stop();
    expect(await seen(({ type }) => type === 'retired')).toMatchObject({ cause: 'lost' });
  });

  it('a server without a stream of notices, or without DELETE, is a healthy one', async () => {
    const server = await openHttpServer({ refusesGet: true });
    const { pool } = openPool([{ name: 'one', spec: { transport: httpServer(server.url) } }], {
      probeAfterMs: 20,
      sweepEveryMs: 20,
    });
    const before = await pool.app.get('one');
    await until(() => server.count('ping') > 1);
    expect(await pool.app.get('one')).toBe(before);
    expect(server.count('GET')).toBe(1);
  });

  it.each([
    { mode: 'streamableHttp', kind: 'streamable_http', path: '/mcp' },
    { mode: 'sse', kind: 'sse', path: '/sse' },
  ] as const)(
    'a real one killed with -9 in the middle of a call, and started again on its port ($kind)',
    async ({ mode, kind, path }) => {
      const port = await freePort();
      const url = `http://127.0.0.1:${String(port)}${path}`;
      let child = await startEverything(mode, port);
      onTestFinished(() => void child.kill('SIGKILL'));
      const { pool } = openPool([{ name: 'one', spec: { transport: networkServer(kind, url) } }]);
      const tools = await (await pool.app.get('one')).listTools();
      expect(tools.length).toBeGreaterThan(5);
      const began = closedGate();
      const long = {
        name: 'trigger-long-running-operation',
        arguments: { duration: 360, steps: 3600 },
      };
      const running = clientErrorOf(
        pool.app.callTool('one', long, { timeoutMs: 3_600_000, onProgress: () => began.open() }),
      );
      await began.opened;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      expect((await running).reason).toBe('CONNECTION_LOST');
      await exited;
      child = await startEverything(mode, port);
      const echoed = await eventually(() =>
        pool.app.callTool('one', { name: 'echo', arguments: { message: 'hello' } }),
      );
      expect(textOf(echoed)).toContain('hello');
    },
  );
});

describe('idle connections', () => {
  it('of users are closed, shared ones are not, and a call in flight is no idleness', async () => {
    const server = await openHttpServer();
    const transport = httpServer(server.url);
    const { pool, seen } = openPool(
      [
        { name: 'shared', spec: { transport } },
        { name: 'own', tier: 'USER', spec: { transport } },
      ],
      { idleMs: 60, sweepEveryMs: 10 },
    );
    const [ana, ben] = [pool.user('ana'), pool.user('ben')];
    await pool.app.get('shared');
    const busy = ben.callTool('own', { name: 'wait' });
    await until(() => server.waiting === 1);
    // Idle for less long than ben's would be, if his call did not count.
    await ana.get('own');
    expect(await seen(({ type }) => type === 'closed')).toMatchObject({
      user: 'ana',
      cause: 'idle',
    });
    expect([pool.app.loaded('shared')?.state, ben.loaded('own')?.state]).toEqual(['live', 'live']);
    expect(ana.loaded('own')).toBeUndefined();
    server.release();
    expect(textOf(await busy)).toBe('released');
    await seen(({ type, user }) => type === 'closed' && user === 'ben');
    expect(server.alive).toBe(1);
    expect(textOf(await ana.callTool('own', { name: 'label' }))).toBe('');
  });
});

describe('closing the pool', () => {
  it('refuses, gives calls in flight their grace, and leaves no session', async () => {
    const server = await openHttpServer();
    const { pool } = openPool([{ name: 'one', spec: { transport: httpServer(server.url) } }]);
    const running = pool.app.callTool('one', { name: 'wait' });
    await until(() => server.waiting === 1);
    const closing = pool.close({ graceMs: 60_000 });
    expect((await clientErrorOf(pool.app.get('one'))).reason).toBe('POOL_CLOSED');
    server.release();
    expect(textOf(await running)).toBe('released');
    await closing;
    await pool.close();
    expect([server.alive, server.deleted]).toEqual([0, 1]);
  });

  it('fails calls in flight and waiting gets without grace', async () => {
    const server = await openHttpServer();
    const { pool } = openPool([
      { name: 'one', spec: { transport: httpServer(server.url) } },
      { name: 'two', spec: { transport: httpServer('http://127.0.0.1:1/mcp') } },
    ]);
    const running = clientErrorOf(pool.app.callTool('one', { name: 'wait' }));
    await until(() => server.waiting === 1);
    const waiting = clientErrorOf(pool.app.get('two'));
    await pool.close();
    expect([(await running).reason, (await waiting).reason]).toEqual([
      'POOL_CLOSED',
      'POOL_CLOSED',
    ]);
    expect(server.alive).toBe(0);
  });
});

/** Gives the client, which shares our event loop, the turns to see that its sockets were closed. */
async function noticed(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
