import { describe, expect, it } from 'vitest';
import type { Connection } from '../../../src/client/pool/connection.js';
import type { CredentialsRequest } from '../../../src/client/pool/credential-store.js';
import { eventually } from '../../support/eventually.js';
import {
  clientErrorOf,
  closedGate,
  openHttpServer,
  openPool,
  textOf,
  until,
} from '../../support/mcp/pool.js';
import { httpServer, nodeServer } from '../../support/mcp/specs.js';

async function headersSeen(connection: Connection): Promise<Record<string, string>> {
  return JSON.parse(textOf(await connection.callTool({ name: 'headers' }))) as Record<
    string,
    string
  >;
}

describe('identity', () => {
  it('sends 100 concurrent calls with per-call identity as no other than their own [C6]', async () => {
    const server = await openHttpServer();
    const { pool } = openPool(
      [
        {
          name: 'one',
          tier: 'USER',
          spec: {
            transport: httpServer(server.url, {
              'x-call': 'call ${request:id}',
              'x-user': '${user:id}',
            }),
          },
        },
      ],
      { userValues: ({ user }) => ({ user: { id: user ?? '' } }), connectConcurrency: 100 },
    );
    const numbers = Array.from({ length: 100 }, (_, i) => String(i));
    const seen = await Promise.all(
      numbers.map(async (id) => {
        const scope = pool.user(`user-${String(Number(id) % 7)}`);
        const options = { request: { id } };
        return scope.call('one', headersSeen, options);
      }),
    );
    expect(seen.map((headers) => [headers['x-call'], headers['x-user']])).toEqual(
      numbers.map((id) => [`call ${id}`, `user-${String(Number(id) % 7)}`]),
    );
    await until(() => server.alive === 0);
    expect(server.opened).toBe(100);
  });

  it('gives 100 users each a connection of their own [C6]', async () => {
    const server = await openHttpServer();
    const { pool } = openPool(
      [
        {
          name: 'one',
          tier: 'USER',
          spec: { transport: httpServer(server.url, { authorization: 'Bearer ${var:KEY}' }) },
        },
      ],
      { userValues: ({ user }) => ({ vars: { KEY: `key of ${user ?? ''}` } }) },
    );
    const users = Array.from({ length: 100 }, (_, i) => `user-${String(i)}`);
    const calls = [...users, ...users].map(async (user) =>
      pool.user(user).call('one', headersSeen),
    );
    const seen = (await Promise.all(calls)).map((headers) => headers['authorization']);
    expect(seen).toEqual([...users, ...users].map((user) => `Bearer key of ${user}`));
    expect(server.opened).toBe(100);
  });

  it('makes a connection of request scope for each get and closes it when it is released [C6]', async () => {
    const server = await openHttpServer();
    const { pool, view } = openPool([
      {
        name: 'one',
        spec: { transport: httpServer(server.url, { 'x-trace': '${request:trace}' }) },
      },
    ]);
    const [first, second] = [
      await pool.app.get('one', { request: { trace: 'a' } }),
      await pool.app.get('one', { request: { trace: 'b' } }),
    ];
    expect([
      first.scope,
      (await headersSeen(first))['x-trace'],
      (await headersSeen(second))['x-trace'],
    ]).toEqual(['request', 'a', 'b']);
    expect([pool.app.loaded('one'), pool.app.getLoaded()]).toEqual([undefined, []]);
    await first.release();
    expect([first.state, server.alive]).toEqual(['closed', 1]);
    {
      await using third = await pool.app.get('one', { request: { trace: 'c' } });
      expect([third.state, server.alive]).toEqual(['live', 2]);
    }
    expect(server.alive).toBe(1);
    const error = await clientErrorOf(pool.app.get('one'));
    expect([error.reason, error.metadata['placeholder']]).toEqual([
      'VALUE_MISSING',
      '${request:trace}',
    ]);
    view.remove('one');
    // The server may see the end of the session before the client has closed all of its side.
    await until(() => server.alive === 0 && second.state === 'closed');
  });

  it('never shares a connection of a conversation, also not of an APP server [C6]', async () => {
    const server = await openHttpServer();
    const { pool } = openPool([
      {
        name: 'one',
        spec: { transport: httpServer(server.url, { 'x-talk': '${request:conversation_id}' }) },
      },
    ]);
    const scopes = [pool.app, pool.user('ana'), pool.user('ben')];
    const asked = scopes.flatMap((scope) =>
      ['x', 'y'].map(async (conversationId) => scope.get('one', { conversationId })),
    );
    const talks = await Promise.all((await Promise.all(asked)).map(headersSeen));
    expect(talks.map((headers) => headers['x-talk'])).toEqual(['x', 'y', 'x', 'y', 'x', 'y']);
    expect(server.opened).toBe(6);
    expect(pool.user('ana').getLoaded()).toHaveLength(2);
    expect(pool.user('ana').loaded('one', { conversationId: 'x' })?.state).toBe('live');
    expect(pool.user('ana').loaded('one')).toBeUndefined();
  });
});

describe('credentials', () => {
  it('are asked for again once after a 401, with the refused revision [C6]', async () => {
    const server = await openHttpServer({
      authorize: (headers) => headers.authorization === 'Bearer fresh',
    });
    const asked: (string | undefined)[] = [];
    const { pool } = openPool(
      [{ name: 'one', tier: 'USER', spec: { transport: httpServer(server.url) } }],
      {
        credentials: ({ previous, user, server: { name } }: CredentialsRequest) => {
          asked.push(`${user ?? ''} ${name} ${previous ?? 'none'}`);
          const token = previous === undefined ? 'old' : 'fresh';
          return { headers: { Authorization: `Bearer ${token}` }, revision: token };
        },
      },
    );
    const ana = pool.user('ana');
    const connections = await Promise.all(Array.from({ length: 50 }, () => ana.get('one')));
    expect(asked).toEqual(['ana one none', 'ana one old']);
    expect((await headersSeen(connections[0]!))['authorization']).toBe('Bearer fresh');
    expect(server.opened).toBe(1);
    await ana.get('one');
    expect(asked).toHaveLength(2);
  });

  it('that stay refused are a typed error, and the server is left alone [C6]', async () => {
    const server = await openHttpServer({
      authorize: (headers) => headers.authorization === 'Bearer good',
    });
    let token = 'bad';
    let asked = 0;
    const { pool } = openPool(
      [{ name: 'one', tier: 'USER', spec: { transport: httpServer(server.url) } }],
      {
        backoff: { initialMs: 60_000, maxMs: 60_000 },
        credentials: () => {
          asked += 1;
          return { headers: { authorization: `Bearer ${token}` }, revision: token };
        },
      },
    );
    const ana = pool.user('ana');
    expect((await clientErrorOf(ana.get('one'))).reason).toBe('UNAUTHORIZED');
    expect((await clientErrorOf(ana.get('one'))).reason).toBe('UNAUTHORIZED');
    expect([server.count('initialize'), asked]).toEqual([1, 2]);
    token = 'good';
    pool.renew({ user: 'ana' });
    expect((await ana.get('one')).state).toBe('live');
    expect(server.count('initialize')).toBe(2);
  });

  it('that are refused in the middle of a life are replaced, and the calls run once more [C6]', async () => {
    let good = 'one';
    const server = await openHttpServer({
      authorize: (headers) => headers.authorization === `Bearer ${good}`,
    });
    let asked = 0;
    const { pool } = openPool(
      [{ name: 'one', tier: 'USER', spec: { transport: httpServer(server.url) } }],
      {
        credentials: () => {
          asked += 1;
          return { headers: { authorization: `Bearer ${good}` }, revision: good };
        },
      },
    );
    const ana = pool.user('ana');
    const before = await ana.get('one');
    good = 'two';
    const calls = Array.from({ length: 30 }, (_, i) =>
      ana.callTool('one', { name: 'echo', arguments: { text: String(i) } }),
    );
    expect((await Promise.all(calls)).map(textOf)).toEqual(
      Array.from({ length: 30 }, (_, i) => String(i)),
    );
    expect([asked, server.opened, before.state === 'live']).toEqual([2, 2, false]);
  });

  it('are asked for once by many conversations of a user [C1, C6]', async () => {
    const server = await openHttpServer();
    const gate = closedGate();
    let asked = 0;
    const transport = httpServer(server.url, { 'x-t': '${request:conversation_id}' });
    const { pool } = openPool([{ name: 'one', tier: 'USER', spec: { transport } }], {
      credentials: async () => {
        asked += 1;
        await gate.opened;
        return { headers: { 'x-revision': 'a' }, revision: 'a' };
      },
    });
    const scopes = [pool.user('ana'), pool.user('ana'), pool.user('ben')];
    const asking = scopes.flatMap((one) =>
      ['x', 'y'].map(async (conversationId) => one.get('one', { conversationId })),
    );
    await until(() => asked === 2);
    gate.open();
    const seen = await Promise.all((await Promise.all(asking)).map(headersSeen));
    expect(seen.map((headers) => headers['x-revision'])).toEqual(
      Array.from({ length: 6 }, () => 'a'),
    );
    expect([asked, server.opened]).toEqual([2, 4]);
  });

  it('that are expired when they come are used, and asked for again, without a loop [F4]', async () => {
    const server = await openHttpServer();
    let revision = 'a';
    let asked = 0;
    const { pool, events } = openPool(
      [{ name: 'one', tier: 'USER', spec: { transport: httpServer(server.url) } }],
      {
        credentials: () => {
          asked += 1;
          return { headers: { 'x-revision': revision }, revision, expiresAt: 1 };
        },
      },
    );
    const ana = pool.user('ana');
    const before = await ana.get('one');
    expect([await ana.get('one'), asked]).toEqual([before, 1]);
    await eventually(async () => {
      expect(await ana.get('one')).toMatchObject({
        connectedAt: before.connectedAt,
        state: 'live',
      });
      expect(asked).toBe(2);
    });
    expect(server.opened).toBe(1);
    revision = 'b';
    const seen = await eventually(async () => {
      const headers = await ana.call('one', headersSeen);
      expect(headers['x-revision']).toBe('b');
      return headers;
    });
    expect([seen['x-revision'], server.opened, before.state === 'live']).toEqual(['b', 2, false]);
    expect(events.find(({ type }) => type === 'retired')).toMatchObject({ cause: 'credentials' });
  });

  it('are dropped by renew, with what was built of the old answers [C6]', async () => {
    const server = await openHttpServer();
    let key = 'old';
    const transport = httpServer(server.url, { 'x-key': '${var:KEY}' });
    const { pool } = openPool([{ name: 'one', tier: 'USER', spec: { transport } }], {
      userValues: () => ({ vars: { KEY: key } }),
    });
    const [ana, ben] = [pool.user('ana'), pool.user('ben')];
    const bens = await ben.get('one');
    const running = ana.callTool('one', { name: 'wait' });
    await until(() => server.waiting === 1);
    key = 'new';
    pool.renew({ user: 'ana' });
    expect((await ana.call('one', headersSeen))['x-key']).toBe('new');
    server.release();
    expect(textOf(await running)).toBe('released');
    expect([bens.state, (await ben.call('one', headersSeen))['x-key']]).toEqual(['live', 'old']);
  });

  it('hooks that throw are a typed error with the cause, for this server only', async () => {
    const server = await openHttpServer();
    const broken = new Error('vault sealed');
    const { pool } = openPool(
      [
        { name: 'one', spec: { transport: httpServer(server.url, { 'x-s': '${secret:S}' }) } },
        { name: 'two', spec: { transport: httpServer(server.url) } },
      ],
      {
        secrets: () => {
          throw broken;
        },
      },
    );
    const [one, two] = await pool.app.getMany(['one', 'two']);
    expect([one?.error?.reason, one?.error?.cause, two?.connection?.state]).toEqual([
      'HOOK_FAILED',
      broken,
      'live',
    ]);
  });

  it('hooks that do not answer are given up after the time of a connect [C7]', async () => {
    const server = await openHttpServer();
    const never = async (): Promise<never> => new Promise(() => undefined);
    const timeouts = { connectMs: 100 };
    const { pool } = openPool(
      [
        { name: 'creds', spec: { transport: httpServer(server.url), timeouts } },
        { name: 'values', tier: 'USER', spec: { transport: nodeServer(['${var:A}']), timeouts } },
        { name: 'secret', spec: { transport: nodeServer(['${secret:S}']), timeouts } },
      ],
      { credentials: never, userValues: never, secrets: never },
    );
    const outcomes = await pool.user('ana').getAll();
    expect(outcomes.map(({ error }) => [error?.reason, error?.metadata['hook']])).toEqual([
      ['HOOK_FAILED', 'credentials'],
      ['HOOK_FAILED', 'secrets'],
      ['HOOK_FAILED', 'userValues'],
    ]);
  });

  it('that nobody uses any more are forgotten, and asked for again', async () => {
    const server = await openHttpServer();
    let asked = 0;
    const { pool, seen } = openPool(
      [{ name: 'one', tier: 'USER', spec: { transport: httpServer(server.url) } }],
      {
        idleMs: 20,
        sweepEveryMs: 10,
        backoff: { maxMs: 0 },
        credentials: () => {
          asked += 1;
          return { revision: 'a' };
        },
      },
    );
    const ana = pool.user('ana');
    await ana.get('one');
    await seen(({ type }) => type === 'closed');
    await eventually(async () => {
      await ana.get('one');
      expect(asked).toBeGreaterThan(1);
    });
  });
});

describe('a server whose users sign in', () => {
  const bearer = ({ user }: CredentialsRequest) => ({
    headers: { authorization: `Bearer of ${user ?? 'nobody'}` },
    revision: user ?? '',
  });

  it('is never shared, also if it is APP from before that was refused [C6]', async () => {
    const server = await openHttpServer();
    const transport = httpServer(server.url);
    const { pool } = openPool([{ name: 'one', spec: { transport, requiresOAuth: true } }], {
      credentials: bearer,
    });
    const seen = [
      await pool.user('ana').call('one', headersSeen),
      await pool.user('bob').call('one', headersSeen),
    ];
    expect(seen.map(({ authorization }) => authorization)).toEqual([
      'Bearer of ana',
      'Bearer of bob',
    ]);
    expect(await clientErrorOf(pool.app.get('one'))).toMatchObject({ reason: 'VALUE_MISSING' });
  });

  it('is reported if only an inspection found it, and stays as shared as it was declared', async () => {
    const server = await openHttpServer();
    const spec = { transport: httpServer(server.url) };
    const { pool, events } = openPool([{ name: 'one', spec, oauthNeed: 'yes' }], {
      credentials: bearer,
    });
    const connection = await pool.user('ana').get('one');
    expect(connection.scope).toBe('shared');
    expect(events.map(({ type }) => type)).toEqual(['warning', 'connecting', 'connected']);
    expect(events[0]).toMatchObject({
      message: expect.stringContaining('requires OAuth') as string,
    });
  });
});
