import { describe, expect, it, onTestFinished } from 'vitest';
import type { Connection } from '../../../src/client/pool/connection.js';
import { createPool } from '../../../src/client/pool/create-pool.js';
import type { ServerSpec } from '../../../src/domain/config/spec.js';
import {
  clientErrorOf,
  closedGate,
  openHttpServer,
  openPool,
  textOf,
  until,
} from '../../support/mcp/pool.js';
import { ServerList } from '../../support/mcp/server-list.js';
import { httpServer } from '../../support/mcp/specs.js';

const spec = (url: string, more: Partial<ServerSpec> = {}) => ({
  transport: httpServer(url),
  ...more,
});

describe('following changes', () => {
  it('keeps the connection when nothing that matters to it changed [C2, W14]', async () => {
    const server = await openHttpServer();
    const { pool, view } = openPool([{ name: 'one', spec: spec(server.url) }]);
    const before = await pool.app.get('one');
    view.put({ name: 'one', spec: spec(server.url, { title: 'Another', labels: { a: 'b' } }) });
    view.replaceAll([{ name: 'one', spec: spec(server.url, { title: 'Third' }) }]);
    expect(await pool.app.get('one')).toBe(before);
    view.put({ id: 'one', name: 'renamed', spec: spec(server.url) });
    const renamed = await pool.app.get('renamed');
    expect([renamed.connectedAt, renamed.state]).toEqual([before.connectedAt, 'live']);
    expect((await clientErrorOf(pool.app.get('one'))).reason).toBe('SERVER_UNKNOWN');
    expect(server.opened).toBe(1);
  });

  it('never lends what was built from a config that changed while it was built [C2]', async () => {
    const gate = closedGate();
    const old = await openHttpServer({
      label: 'old',
      before: (method) => (method === 'initialize' ? gate.opened : undefined),
    });
    const next = await openHttpServer({ label: 'next' });
    const { pool, view, events } = openPool([{ name: 'one', spec: spec(old.url) }]);
    const asked = Array.from({ length: 10 }, () => pool.app.get('one'));
    await until(() => old.count('initialize') === 1);
    view.put({ name: 'one', spec: spec(next.url) });
    gate.open();
    const connections = await Promise.all(asked);
    const labels = await Promise.all(connections.map((one) => one.callTool({ name: 'label' })));
    expect(labels.map(textOf)).toEqual(Array.from({ length: 10 }, () => 'next'));
    await until(() => old.deleted === 1);
    expect([old.alive, next.opened]).toEqual([0, 1]);
    expect(events.filter(({ type }) => type === 'connected')).toHaveLength(1);
  });

  it('never lends what was built while hooks answered and the config changed [C2]', async () => {
    const [old, next] = [await openHttpServer(), await openHttpServer({ label: 'next' })];
    const { pool, view } = openPool(
      [
        {
          name: 'one',
          tier: 'USER',
          spec: { transport: httpServer(old.url, { 'x-u': '${user:id}' }) },
        },
      ],
      {
        userValues: () => {
          view.put({ name: 'one', tier: 'USER', spec: spec(next.url) });
          return { user: { id: 'ana' } };
        },
      },
    );
    expect(textOf(await pool.user('ana').callTool('one', { name: 'label' }))).toBe('next');
    expect(old.opened).toBe(0);
  });

  it('never lends the old one to who asks while the change is being applied [C2]', async () => {
    const [old, next] = [await openHttpServer(), await openHttpServer({ label: 'next' })];
    const view = new ServerList();
    view.put({ name: 'one', spec: spec(old.url) });
    const lent: (Connection | undefined)[] = [];
    const asked: Promise<Connection>[] = [];
    // Told of a change before the pool is.
    view.onApplied(() => {
      lent.push(pool.app.loaded('one'));
      asked.push(pool.app.get('one'));
    });
    const pool = createPool({ view });
    onTestFinished(() => pool.close());
    const before = await pool.app.get('one');
    view.put({ name: 'one', spec: spec(next.url) });
    const after = await asked[0]!;
    expect([lent, after.configHash === before.configHash]).toEqual([[undefined], false]);
    expect(textOf(await after.callTool({ name: 'label' }))).toBe('next');
  });

  it('never gives a connection of request scope that was built from an older config [C2]', async () => {
    const gate = closedGate();
    const old = await openHttpServer({
      before: (method) => (method === 'initialize' ? gate.opened : undefined),
    });
    const next = await openHttpServer();
    const of = (url: string) => ({ transport: httpServer(url, { 'x-trace': '${request:trace}' }) });
    const { pool, view } = openPool([{ name: 'one', spec: of(old.url) }]);
    const asked = pool.app.get('one', { request: { trace: 't' } });
    await until(() => old.count('initialize') === 1);
    view.put({ name: 'one', spec: of(next.url) });
    gate.open();
    await using connection = await asked;
    expect([connection.state, next.alive, pool.app.has('one')]).toEqual(['live', 1, true]);
    await until(() => old.alive === 0 && old.deleted === 1);
  });

  it('gives up with a typed error when the config changes faster than it connects [C2]', async () => {
    const server = await openHttpServer();
    let changes = 0;
    const { pool, view } = openPool(
      [
        {
          name: 'one',
          tier: 'USER',
          spec: { transport: httpServer(server.url, { 'x-u': '${user:id}' }) },
        },
      ],
      {
        userValues: () => {
          changes += 1;
          const headers = { 'x-u': '${user:id}', 'x-n': String(changes) };
          view.put({
            name: 'one',
            tier: 'USER',
            spec: { transport: httpServer(server.url, headers) },
          });
          return { user: { id: 'ana' } };
        },
      },
    );
    expect((await clientErrorOf(pool.user('ana').get('one'))).reason).toBe('CONNECT_FAILED');
    expect(changes).toBeGreaterThan(1);
    expect(server.alive).toBe(0);
  });

  it('lets a call in flight finish on the old server and sends the next to the new one [C3]', async () => {
    const [old, next] = [
      await openHttpServer({ label: 'old' }),
      await openHttpServer({ label: 'next' }),
    ];
    const { pool, view, history, seen } = openPool([{ name: 'one', spec: spec(old.url) }]);
    const held = await pool.app.get('one');
    const running = pool.app.callTool('one', { name: 'wait' });
    await until(() => old.waiting === 1);
    view.put({ name: 'one', spec: spec(next.url) });
    expect(held.state).toBe('retired');
    expect(pool.app.loaded('one')).toBeUndefined();
    const refused = await clientErrorOf(held.callTool({ name: 'label' }));
    expect([refused.reason, refused.sent]).toEqual(['CONNECTION_RETIRED', false]);
    expect(textOf(await pool.app.callTool('one', { name: 'label' }))).toBe('next');
    expect(old.alive).toBe(1);
    old.release();
    expect(textOf(await running)).toBe('old');
    await seen(({ type }) => type === 'closed');
    expect([old.alive, old.deleted, next.alive]).toEqual([0, 1, 1]);
    expect(history('one')).toEqual([
      'connecting',
      'connected',
      'retired',
      'connecting',
      'connected',
      'closed',
    ]);
  });

  it('retries a call once when its connection was retired before it was sent [C3]', async () => {
    const [old, next] = [
      await openHttpServer({ label: 'old' }),
      await openHttpServer({ label: 'next' }),
    ];
    const { pool, view } = openPool([{ name: 'one', spec: spec(old.url) }]);
    const used: string[] = [];
    const answer = await pool.app.call('one', async (connection) => {
      used.push(connection.configHash);
      if (used.length === 1) view.put({ name: 'one', spec: spec(next.url) });
      return textOf(await connection.callTool({ name: 'label' }));
    });
    expect(answer).toBe('next');
    expect(new Set(used).size).toBe(2);
    let runs = 0;
    const half = pool.app.call('one', async (connection) => {
      runs += 1;
      await connection.callTool({ name: 'label' });
      view.put({ name: 'one', spec: spec(old.url) });
      await connection.callTool({ name: 'label' });
    });
    expect((await clientErrorOf(half)).reason).toBe('CONNECTION_RETIRED');
    expect(runs).toBe(1);
  });

  it('fails a call that outlives the drain, and closes [C3, P33]', async () => {
    const [old, next] = [await openHttpServer(), await openHttpServer()];
    const { pool, view, seen } = openPool([{ name: 'one', spec: spec(old.url) }], {
      drainMaxMs: 100,
    });
    const running = clientErrorOf(pool.app.callTool('one', { name: 'wait' }));
    await until(() => old.waiting === 1);
    view.put({ name: 'one', spec: spec(next.url) });
    const error = await running;
    expect([error.reason, error.sent]).toEqual(['DRAIN_TIMEOUT', true]);
    await seen(({ type, serverId }) => type === 'closed' && serverId === 'one');
    expect(old.alive).toBe(0);
  });

  it('lets a call have its own time-out while it drains [P33]', async () => {
    const [old, next] = [await openHttpServer(), await openHttpServer()];
    const { pool, view } = openPool([{ name: 'one', spec: spec(old.url) }]);
    const running = clientErrorOf(pool.app.callTool('one', { name: 'wait' }, { timeoutMs: 150 }));
    await until(() => old.waiting === 1);
    view.put({ name: 'one', spec: spec(next.url) });
    expect((await running).reason).toBe('CALL_TIMEOUT');
  });

  it('fails the calls in flight of a deleted server at once [C3]', async () => {
    const server = await openHttpServer();
    const { pool, view, seen } = openPool([{ name: 'one', spec: spec(server.url) }]);
    const held = await pool.app.get('one');
    const running = clientErrorOf(pool.app.callTool('one', { name: 'wait' }));
    await until(() => server.waiting === 1);
    view.remove('one');
    const error = await running;
    expect([error.reason, error.sent]).toEqual(['ACCESS_REVOKED', true]);
    expect((await clientErrorOf(held.callTool({ name: 'label' }))).reason).toBe('ACCESS_REVOKED');
    expect((await clientErrorOf(pool.app.callTool('one', { name: 'label' }))).reason).toBe(
      'SERVER_UNKNOWN',
    );
    const closed = await seen(({ type }) => type === 'closed');
    expect(closed).toMatchObject({ cause: 'revoked' });
    expect([server.alive, server.deleted]).toEqual([0, 1]);
  });

  it('gives calls in flight of a deleted server the grace that is set [C3]', async () => {
    const server = await openHttpServer();
    const { pool, view, seen } = openPool([{ name: 'one', spec: spec(server.url) }], {
      revokeGraceMs: 60_000,
    });
    const running = pool.app.callTool('one', { name: 'wait' });
    await until(() => server.waiting === 1);
    view.remove('one');
    server.release();
    expect(textOf(await running)).toBe('released');
    await seen(({ type }) => type === 'closed');
    expect(server.alive).toBe(0);
  });

  it('takes a server from one user without harm to the other [C3, C6, D9]', async () => {
    const server = await openHttpServer();
    const declared = {
      name: 'one',
      tier: 'PRIVATE' as const,
      owner: 'ana',
      spec: spec(server.url),
    };
    const { pool, view } = openPool([{ ...declared, grantedTo: ['user:ben', 'group:staff'] }]);
    const [ana, ben] = [pool.user('ana'), pool.user('ben')];
    const staff = pool.user('cleo', ['staff']);
    const calls = [ana, ben, staff].map(async (one) =>
      one.callTool('one', { name: 'wait' }).then(textOf, (error: unknown) => error),
    );
    await until(() => server.waiting === 3);
    view.put({ ...declared, grantedTo: ['group:staff'] });
    expect(await calls[1]).toMatchObject({ reason: 'ACCESS_REVOKED' });
    server.release();
    expect(await Promise.all([calls[0], calls[2]])).toEqual(['released', 'released']);
    expect((await clientErrorOf(ben.get('one'))).reason).toBe('SERVER_UNKNOWN');
    expect([ana.loaded('one')?.state, staff.loaded('one')?.state]).toEqual(['live', 'live']);
    await until(() => server.alive === 2);
  });

  it('fails only the calls of the view that lost sight, where a user has two [C3]', async () => {
    const server = await openHttpServer();
    const declared = {
      name: 'one',
      tier: 'PRIVATE' as const,
      owner: 'ana',
      spec: spec(server.url),
    };
    const { pool, view } = openPool([{ ...declared, grantedTo: ['user:ben', 'group:staff'] }]);
    const [plain, staff] = [pool.user('ben'), pool.user('ben', ['staff'])];
    const held = await plain.get('one');
    expect((await staff.get('one')).connectedAt).toBe(held.connectedAt);
    const lost = clientErrorOf(plain.callTool('one', { name: 'wait' }));
    const kept = staff.callTool('one', { name: 'wait' });
    await until(() => server.waiting === 2);
    view.put({ ...declared, grantedTo: ['group:staff'] });
    expect((await lost).reason).toBe('ACCESS_REVOKED');
    expect((await clientErrorOf(held.callTool({ name: 'label' }))).reason).toBe('ACCESS_REVOKED');
    server.release();
    expect(textOf(await kept)).toBe('released');
    expect([server.opened, staff.loaded('one')?.state]).toEqual([1, 'live']);
  });

  it('counts a view that lost sight and has it again among those of a connection [C3]', async () => {
    const server = await openHttpServer();
    const declared = {
      name: 'one',
      tier: 'PRIVATE' as const,
      owner: 'ana',
      spec: spec(server.url),
    };
    const both = ['user:ben', 'group:staff'] as const;
    const { pool, view } = openPool([{ ...declared, grantedTo: both }]);
    const [plain, staff] = [pool.user('ben'), pool.user('ben', ['staff'])];
    await Promise.all([plain.get('one'), staff.get('one')]);
    view.put({ ...declared, grantedTo: ['group:staff'] });
    view.put({ ...declared, grantedTo: both });
    const running = plain.callTool('one', { name: 'wait' });
    await until(() => server.waiting === 1);
    expect(await staff.leave()).toBe(0);
    server.release();
    expect([textOf(await running), server.opened]).toEqual(['released', 1]);
    view.put(declared);
    await until(() => server.alive === 0);
  });

  it('retires the connection of a server whose name leads to another one [C2, C3]', async () => {
    const [own, shared] = [
      await openHttpServer({ label: 'own' }),
      await openHttpServer({ label: 'shared' }),
    ];
    const declared = {
      ...({ id: 'own', tier: 'PRIVATE', owner: 'ana', spec: spec(own.url) } as const),
      grantedTo: ['user:ben'] as const,
    };
    const { pool, view, seen } = openPool([{ ...declared, name: 'before' }]);
    const [ana, ben] = [pool.user('ana'), pool.user('ben')];
    const held = await ana.get('before');
    await ben.get('before');
    view.put({ ...declared, name: 'one' });
    expect([held.state, (await ana.get('one')).connectedAt]).toEqual(['live', held.connectedAt]);
    const running = ana.callTool('one', { name: 'wait' });
    await until(() => own.waiting === 1);
    view.put({ id: 'other', name: 'another', tier: 'USER', spec: spec(shared.url) });
    expect(held.state).toBe('live');
    view.put({ id: 'shared', name: 'one', tier: 'USER', spec: spec(shared.url) });
    expect([held.state, ana.loaded('one'), ben.loaded('one')]).toEqual([
      'retired',
      undefined,
      undefined,
    ]);
    const refused = await clientErrorOf(held.callTool({ name: 'label' }));
    expect([refused.reason, refused.sent]).toEqual(['CONNECTION_RETIRED', false]);
    expect(textOf(await ana.callTool('one', { name: 'label' }))).toBe('shared');
    expect(await seen(({ type }) => type === 'closed')).toMatchObject({
      user: 'ben',
      cause: 'shadowed',
    });
    own.release();
    expect(textOf(await running)).toBe('own');
    await until(() => own.alive === 0);
    view.remove('shared');
    expect(textOf(await ana.callTool('one', { name: 'label' }))).toBe('own');
  });

  it('never lends a server that was shadowed while it was connected to [C2]', async () => {
    const gate = closedGate();
    const own = await openHttpServer({
      before: (method) => (method === 'initialize' ? gate.opened : undefined),
    });
    const shared = await openHttpServer({ label: 'shared' });
    const granted = { id: 'own', name: 'one', tier: 'PRIVATE', spec: spec(own.url) } as const;
    const { pool, view } = openPool([{ ...granted, owner: 'eve', grantedTo: ['user:ana'] }]);
    const asked = pool.user('ana').callTool('one', { name: 'label' });
    await until(() => own.count('initialize') === 1);
    const mine = { ...granted, id: 'mine', owner: 'ana', spec: spec(shared.url) };
    view.put(mine);
    gate.open();
    expect(textOf(await asked)).toBe('shared');
    await until(() => own.alive === 0);
  });

  it('counts a move between APP and USER as a change of the connection [C2, P32]', async () => {
    const server = await openHttpServer();
    const { pool, view } = openPool([{ name: 'one', spec: spec(server.url) }]);
    const ana = pool.user('ana');
    const shared = await ana.get('one');
    const ofUser = ana.callTool('one', { name: 'wait' });
    const ofApp = clientErrorOf(pool.app.callTool('one', { name: 'wait' }));
    await until(() => server.waiting === 2);
    view.put({ name: 'one', tier: 'USER', spec: spec(server.url) });
    expect(shared.state).toBe('retired');
    expect((await ofApp).reason).toBe('ACCESS_REVOKED');
    const own = await ana.get('one');
    expect([own.scope, shared.scope, server.opened]).toEqual(['user', 'shared', 2]);
    server.release();
    expect(textOf(await ofUser)).toBe('released');
    view.put({ name: 'one', tier: 'APP', spec: spec(server.url) });
    expect(own.state).not.toBe('live');
    expect((await pool.app.get('one')).scope).toBe('shared');
  });

  it('treats another server under the old name as another server [C2]', async () => {
    const [first, second] = [await openHttpServer(), await openHttpServer({ label: 'second' })];
    const { pool, view } = openPool([{ id: 'a', name: 'one', spec: spec(first.url) }]);
    const before = await pool.app.get('one');
    view.apply([{ id: 'b', name: 'one', spec: spec(first.url) }], ['a']);
    const after = await pool.app.get('one');
    expect([before.configHash === after.configHash, before.serverId, after.serverId]).toEqual([
      true,
      'a',
      'b',
    ]);
    expect([first.opened, before.state === 'live']).toEqual([2, false]);
    view.apply([{ id: 'c', name: 'one', spec: spec(second.url) }], ['b']);
    expect(textOf(await pool.app.callTool('one', { name: 'label' }))).toBe('second');
  });

  it('stops lending a disabled server, and its calls in flight finish [C3]', async () => {
    const server = await openHttpServer();
    const { pool, view } = openPool([{ name: 'one', spec: spec(server.url) }]);
    const running = pool.app.callTool('one', { name: 'wait' });
    await until(() => server.waiting === 1);
    view.put({ name: 'one', spec: spec(server.url, { enabled: false }) });
    expect((await clientErrorOf(pool.app.get('one'))).reason).toBe('SERVER_DISABLED');
    server.release();
    expect(textOf(await running)).toBe('released');
    await until(() => server.alive === 0);
    view.put({ name: 'one', spec: spec(server.url) });
    expect((await pool.app.get('one')).state).toBe('live');
  });

  it('neither lends nor closes while a view is unknown [C2]', async () => {
    const server = await openHttpServer();
    const { pool, view } = openPool([{ name: 'one', tier: 'USER', spec: spec(server.url) }]);
    const ana = pool.user('ana');
    const before = await ana.get('one');
    const running = ana.callTool('one', { name: 'wait' });
    await until(() => server.waiting === 1);
    view.knows = (reader) => reader.kind === 'app';
    view.replaceAll([{ name: 'one', tier: 'USER', spec: spec(server.url) }]);
    expect((await clientErrorOf(ana.get('one'))).reason).toBe('VIEW_UNKNOWN');
    expect(before.state).toBe('live');
    view.knows = () => true;
    server.release();
    expect(textOf(await running)).toBe('released');
    expect(await ana.get('one')).toBe(before);
    expect(server.opened).toBe(1);
  });
});

describe('startup', () => {
  it('connects shared servers with startup in the background, and their replacements', async () => {
    const [server, next] = [await openHttpServer(), await openHttpServer()];
    const { pool, view, seen } = openPool(
      [
        { name: 'one', spec: spec(server.url) },
        { name: 'lazy', spec: spec(server.url, { startup: false }) },
        { name: 'user', tier: 'USER', spec: spec(server.url) },
      ],
      { connectOnStartup: true },
    );
    await seen(({ type, name }) => type === 'connected' && name === 'one');
    expect([pool.app.loaded('one')?.state, pool.app.loaded('lazy'), server.opened]).toEqual([
      'live',
      undefined,
      1,
    ]);
    view.put({ name: 'one', spec: spec(next.url) });
    await until(() => pool.app.loaded('one') !== undefined);
    expect([server.opened, next.opened]).toEqual([1, 1]);
  });
});
