import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.js';
import {
  clientErrorOf,
  closedGate,
  openHttpServer,
  openPool,
  textOf,
  until,
} from '../../support/mcp/pool.js';
import { httpServer } from '../../support/mcp/specs.js';

describe('one connection for many', () => {
  it('makes one MCP session for 1,000 concurrent gets, and ends it [C1]', async () => {
    const server = await openHttpServer();
    const { pool } = openPool([{ name: 'one', spec: { transport: httpServer(server.url) } }]);
    const asked = Array.from({ length: 1000 }, () => pool.app.get('one'));
    const connections = await Promise.all(asked);
    expect(server.opened).toBe(1);
    const texts = await Promise.all(
      connections
        .slice(0, 20)
        .map((one, i) => one.callTool({ name: 'echo', arguments: { text: `t${String(i)}` } })),
    );
    expect(texts.map(textOf)).toEqual(Array.from({ length: 20 }, (_, i) => `t${String(i)}`));
    expect(server.opened).toBe(1);
    await pool.close();
    expect([server.deleted, server.alive]).toEqual([1, 0]);
  });

  it('tells what the server can do, and lets nobody change it for the others [C8]', async () => {
    const server = await openHttpServer();
    const { pool } = openPool([{ name: 'one', spec: { transport: httpServer(server.url) } }]);
    const { capabilities, serverInfo } = await pool.app.get('one');
    const isChanged = [
      Reflect.deleteProperty(capabilities, 'tools'),
      Reflect.set(serverInfo ?? {}, 'name', 'another'),
    ];
    const another = await pool.user('bob').get('one');
    expect(await another.listTools()).not.toEqual([]);
    expect(another.serverInfo).toMatchObject({ name: 'test' });
    expect(isChanged).toEqual([false, false]);
  });

  it('gives one failure to all who waited [C1]', async () => {
    const server = await openHttpServer({ authorize: () => false });
    const { pool } = openPool([{ name: 'one', spec: { transport: httpServer(server.url) } }]);
    const asked = Array.from({ length: 100 }, () => clientErrorOf(pool.app.get('one')));
    const errors = await Promise.all(asked);
    expect(new Set(errors.map((error) => error.reason))).toEqual(new Set(['UNAUTHORIZED']));
    expect(new Set(errors).size).toBe(1);
    expect(server.count('initialize')).toBe(1);
  });

  it('lets a waiter give up without harming the others [C1]', async () => {
    const gate = closedGate();
    const server = await openHttpServer({
      before: (method) => (method === 'initialize' ? gate.opened : undefined),
    });
    const { pool } = openPool([{ name: 'one', spec: { transport: httpServer(server.url) } }]);
    const impatient = new AbortController();
    const gaveUp = clientErrorOf(pool.app.get('one', { signal: impatient.signal }));
    const patient = pool.app.get('one');
    await until(() => server.count('initialize') === 1);
    impatient.abort();
    expect((await gaveUp).reason).toBe('CANCELLED');
    gate.open();
    expect((await patient).state).toBe('live');
    expect(server.opened).toBe(1);
  });

  it('ends the session of a connect that all gave up on, and begins anew for who comes later [C1]', async () => {
    const gate = closedGate();
    const server = await openHttpServer({
      before: (method) => (method === 'initialize' ? gate.opened : undefined),
    });
    const { pool } = openPool([{ name: 'one', spec: { transport: httpServer(server.url) } }]);
    const stop = new AbortController();
    const asked = [1, 2, 3].map(() => clientErrorOf(pool.app.get('one', { signal: stop.signal })));
    await until(() => server.count('initialize') === 1);
    stop.abort();
    const reasons = (await Promise.all(asked)).map((error) => error.reason);
    expect(reasons).toEqual(['CANCELLED', 'CANCELLED', 'CANCELLED']);
    const later = pool.app.get('one');
    await until(() => server.count('initialize') === 2);
    gate.open();
    expect((await later).state).toBe('live');
    await until(() => server.deleted === 1);
    expect([server.opened, server.alive]).toEqual([2, 1]);
  });

  it('is shared by all, or one per user, or one per conversation, as the scope says [C1, C6]', async () => {
    const server = await openHttpServer();
    const transport = httpServer(server.url);
    const { pool } = openPool([
      { name: 'app', spec: { transport } },
      { name: 'user', tier: 'USER', spec: { transport } },
      {
        name: 'talk',
        tier: 'USER',
        spec: { transport: httpServer(server.url, { 'x-talk': '${request:conversation_id}' }) },
      },
    ]);
    const [ana, ben] = [pool.user('ana'), pool.user('ben', ['staff'])];
    const shared = await Promise.all([pool.app.get('app'), ana.get('app'), ben.get('app')]);
    expect(server.opened).toBe(1);
    expect(shared.map((one) => one.scope)).toEqual(['shared', 'shared', 'shared']);
    await Promise.all([
      ana.get('user'),
      ana.get('user'),
      pool.user('ana', ['staff']).get('user'),
      ben.get('user'),
    ]);
    expect(server.opened).toBe(3);
    const talk = async (id: string): Promise<string> => {
      const connection = await ana.get('talk', { conversationId: id });
      const headers = textOf(await connection.callTool({ name: 'headers' }));
      return (JSON.parse(headers) as Record<string, string>)['x-talk']!;
    };
    expect(await Promise.all(['c1', 'c2', 'c1'].map(talk))).toEqual(['c1', 'c2', 'c1']);
    expect(server.opened).toBe(5);
    expect((await clientErrorOf(ana.get('talk'))).reason).toBe('VALUE_MISSING');
  });
});

describe('asking', () => {
  it('never connects, and never closes [C5]', async () => {
    const server = await openHttpServer();
    const transport = httpServer(server.url);
    const { pool, view, events } = openPool([
      { name: 'on', spec: { transport } },
      { name: 'off', spec: { transport, enabled: false } },
    ]);
    expect([pool.app.has('on'), pool.app.has('off'), pool.app.has('none')]).toEqual([
      true,
      false,
      false,
    ]);
    expect(pool.app.loaded('on')).toBeUndefined();
    expect(pool.app.getLoaded()).toEqual([]);
    expect([server.count('initialize'), events.length]).toEqual([0, 0]);
    const connection = await pool.app.get('on');
    expect(pool.app.loaded('on')?.connectedAt).toBe(connection.connectedAt);
    expect(
      pool
        .user('ana')
        .getLoaded()
        .map((one) => one.name),
    ).toEqual(['on']);
    view.put({ name: 'on', spec: { transport, enabled: false } });
    view.put({ name: 'on', spec: { transport, enabled: true } });
    expect([pool.app.has('on'), pool.app.loaded('on')]).toEqual([true, undefined]);
    expect(server.opened).toBe(1);
  });
});

describe('batches', () => {
  it('answer per item; a broken and a hanging server neither hide nor delay another [C7]', async () => {
    const [fine, broken] = [await openHttpServer(), await openHttpServer()];
    const never = new Promise<void>(() => undefined);
    const hanging = await openHttpServer({ before: () => never });
    await broken.stop();
    const { pool, events } = openPool([
      { name: 'broken', spec: { transport: httpServer(broken.url) } },
      { name: 'fine', spec: { transport: httpServer(fine.url) } },
      {
        name: 'hanging',
        spec: { transport: httpServer(hanging.url), timeouts: { connectMs: 500 } },
      },
      { name: 'off', spec: { transport: httpServer(fine.url), enabled: false } },
    ]);
    const outcomes = await pool.app.getMany(['hanging', 'fine', 'broken', 'off', 'none', 'fine']);
    expect(
      outcomes.map(({ name, connection, error }) => [name, connection?.state ?? error?.reason]),
    ).toEqual([
      ['hanging', 'CONNECT_TIMEOUT'],
      ['fine', 'live'],
      ['broken', 'CONNECT_FAILED'],
      ['off', 'SERVER_DISABLED'],
      ['none', 'SERVER_UNKNOWN'],
      ['fine', 'live'],
    ]);
    const ends = events.filter(({ type }) => type === 'connected' || type === 'failed');
    expect(ends.at(-1)?.name).toBe('hanging');
    const all = await pool.app.getAll();
    expect(all.map(({ name }) => name)).toEqual(['broken', 'fine', 'hanging', 'off']);
    expect(all[1]?.connection?.state).toBe('live');
    expect(fine.opened).toBe(1);
  });

  it('make no more connects at once than allowed', async () => {
    const waiting: (() => void)[] = [];
    let most = 0;
    const server = await openHttpServer({
      before: async (method) => {
        if (method !== 'initialize') return;
        // Each waits until as many are there as may be, and for some turns in which more could come.
        const released = new Promise<void>((resolve) => waiting.push(resolve));
        most = Math.max(most, waiting.length);
        if (waiting.length === 3) {
          for (let turn = 0; turn < 50; turn += 1) await nextTurn();
          for (const release of waiting.splice(0)) release();
        }
        await released;
      },
    });
    const names = Array.from({ length: 12 }, (_, i) => `s${String(i)}`);
    const { pool } = openPool(
      names.map((name) => ({ name, spec: { transport: httpServer(server.url) } })),
      { connectConcurrency: 3 },
    );
    const outcomes = await pool.app.getAll();
    expect(outcomes.filter((one) => one.connection !== undefined)).toHaveLength(12);
    expect(most).toBe(3);
  });
});

describe('a broken server', () => {
  it('is not hammered: the last error comes at once until its time is over [C7]', async () => {
    const server = await openHttpServer();
    await server.stop();
    const { pool, events } = openPool(
      [{ name: 'one', spec: { transport: httpServer(server.url) } }],
      {
        backoff: { initialMs: 60_000, maxMs: 60_000 },
      },
    );
    const first = await clientErrorOf(pool.app.get('one'));
    expect(first.reason).toBe('CONNECT_FAILED');
    expect(first.retryAfterMs).toBeGreaterThan(20_000);
    await server.start();
    const second = await clientErrorOf(pool.app.get('one'));
    expect([second.reason, second.message]).toEqual([first.reason, first.message]);
    expect(server.count('initialize')).toBe(0);
    expect(events.filter(({ type }) => type === 'connecting')).toHaveLength(1);
  });

  it('is tried again when its time is over, and at once when its config changes', async () => {
    const server = await openHttpServer();
    await server.stop();
    const { pool } = openPool([{ name: 'one', spec: { transport: httpServer(server.url) } }], {
      backoff: { initialMs: 20, maxMs: 20 },
    });
    await clientErrorOf(pool.app.get('one'));
    await server.start();
    await eventually(() => pool.app.get('one'), { intervalMs: 5 });
    expect(pool.app.loaded('one')?.state).toBe('live');

    const other = openPool(
      [{ name: 'one', spec: { transport: httpServer('http://127.0.0.1:1/mcp') } }],
      {
        backoff: { initialMs: 60_000, maxMs: 60_000 },
      },
    );
    await clientErrorOf(other.pool.app.get('one'));
    other.view.put({ name: 'one', spec: { transport: httpServer(server.url) } });
    expect((await other.pool.app.get('one')).state).toBe('live');
  });
});

describe('disconnecting', () => {
  it("closes what is one's own, fails its calls typed, and hides no failure of another", async () => {
    const [server, stuck] = [await openHttpServer(), await openHttpServer()];
    const { pool } = openPool([
      { name: 'shared', spec: { transport: httpServer(server.url) } },
      { name: 'mine', tier: 'USER', spec: { transport: httpServer(server.url) } },
      { name: 'gone', tier: 'USER', spec: { transport: httpServer(stuck.url) } },
    ]);
    const ana = pool.user('ana');
    const [shared] = [await ana.get('shared'), await ana.get('mine'), await ana.get('gone')];
    const call = clientErrorOf(ana.callTool('mine', { name: 'wait' }));
    await until(() => server.waiting === 1);
    await stuck.stop();
    expect(await ana.disconnect('shared')).toBe(0);
    expect(await ana.disconnectAll()).toBe(2);
    expect((await call).reason).toBe('DISCONNECTED');
    expect([shared.state, ana.loaded('mine'), ana.loaded('gone')]).toEqual([
      'live',
      undefined,
      undefined,
    ]);
    expect([server.deleted, server.alive]).toEqual([1, 1]);
    expect(await pool.app.disconnect('shared')).toBe(1);
    expect(server.alive).toBe(0);
    expect((await ana.get('mine')).state).toBe('live');
  });

  it('of one view of a user leaves what another view of the same user has', async () => {
    const server = await openHttpServer();
    const { pool } = openPool([
      { name: 'both', tier: 'USER', spec: { transport: httpServer(server.url) } },
      { name: 'one', tier: 'USER', spec: { transport: httpServer(server.url) } },
    ]);
    const [plain, staff, ben] = [pool.user('ana'), pool.user('ana', ['staff']), pool.user('ben')];
    await Promise.all([plain.get('both'), staff.get('both'), staff.get('one'), ben.get('one')]);
    expect(await staff.leave()).toBe(1);
    expect([plain.loaded('both')?.state, plain.loaded('one'), ben.loaded('one')?.state]).toEqual([
      'live',
      undefined,
      'live',
    ]);
    expect(await plain.leave()).toBe(1);
    expect([server.alive, await pool.app.leave()]).toEqual([1, 0]);
  });
});
