import { describe, expect, it } from 'vitest';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { mcpErrorOf, openConnection } from '../../support/mcp/connect.js';
import { clientErrorOf, openPool, textOf, until, type TestPool } from '../../support/mcp/pool.js';
import type { Declared } from '../../support/mcp/server-list.js';
import { networkServer, openSseServer } from '../../support/mcp/transports.js';

const HOUR_MS = 3_600_000;
const EVENTS = { 'content-type': 'text/event-stream' };
const JSON_TYPE = { 'content-type': 'application/json' };

const poolOf = (server: { readonly url: string }, timeouts = {}): TestPool =>
  openPool([{ name: 'one', spec: { transport: networkServer('sse', server.url), timeouts } }]);

const isCall = (request: IncomingMessage): boolean =>
  request.method === 'POST' && request.headers['content-length'] !== undefined;

describe('an SSE stream that ends', () => {
  it('is the end of the connection: nobody comes back to a server that does not know us', async () => {
    const server = await openSseServer({ label: 'me' });
    const { pool, seen } = poolOf(server);
    const before = await pool.app.get('one');
    const running = clientErrorOf(before.callTool({ name: 'wait' }, { timeoutMs: HOUR_MS }));
    await until(() => server.waiting === 1);
    server.sendRaw('retry: 1\n\n');
    server.endStreams();
    expect(await running).toMatchObject({ reason: 'CONNECTION_LOST', sent: true });
    expect(await seen(({ type }) => type === 'closed')).toMatchObject({ cause: 'lost' });
    const late = await clientErrorOf(before.callTool({ name: 'label' }));
    expect([late.reason, late.sent]).toEqual(['CONNECTION_RETIRED', false]);
    expect(server.count('GET')).toBe(1);
    expect(textOf(await pool.app.callTool('one', { name: 'label' }))).toBe('me');
    expect([server.count('GET'), server.count('initialize')]).toEqual([2, 2]);
  });

  it.each([404, 400] as const)(
    'while a POST waits for its answer: one that is refused with %i runs once more [C1]',
    async (status) => {
      let refuses = true;
      const server = await openSseServer({
        label: 'me',
        instead: (request, response) => {
          if (!refuses || server.count('tools/call') === 0 || !isCall(request)) return false;
          refuses = false;
          server.endStreams();
          void until(() => server.alive === 0).then(() =>
            response.writeHead(status).end('no such session'),
          );
          return true;
        },
      });
      const { pool } = poolOf(server);
      expect(textOf(await pool.app.callTool('one', { name: 'label' }))).toBe('me');
      expect([server.opened, server.count('tools/call')]).toEqual([2, 2]);
    },
  );

  it.each(['accepted', 'never answered'])(
    'while a POST waits for its answer: one that is %s does not run again',
    async (how) => {
      const server = await openSseServer({
        instead: (request, response) => {
          if (server.count('tools/call') === 0 || !isCall(request)) return false;
          server.endStreams();
          if (how === 'accepted') {
            void until(() => server.alive === 0).then(() => response.writeHead(202).end());
          }
          return true;
        },
      });
      const { pool } = poolOf(server);
      const error = await clientErrorOf(
        pool.app.callTool('one', { name: 'label' }, { timeoutMs: HOUR_MS }),
      );
      expect(error).toMatchObject({ reason: 'CONNECTION_LOST', sent: true });
      expect(server.count('tools/call')).toBe(1);
    },
  );
});

describe('a session that an SSE server forgot while its stream is open', () => {
  it.each([404, 400] as const)('answering %i: the call runs on another one', async (status) => {
    const server = await openSseServer({ unknownSession: status, label: 'me' });
    const { pool, seen } = poolOf(server);
    await pool.app.get('one');
    server.forgetSessions();
    expect(textOf(await pool.app.callTool('one', { name: 'label' }))).toBe('me');
    expect(await seen(({ type }) => type === 'closed')).toMatchObject({ cause: 'lost' });
    await until(() => server.alive === 1);
    expect(server.opened).toBe(2);
  });

  it('is not concluded from what a tool says of sessions', async () => {
    const server = await openSseServer();
    const { pool } = poolOf(server);
    const connection = await pool.app.get('one');
    const running = clientErrorOf(connection.callTool({ name: 'wait' }));
    await until(() => server.waiting === 1);
    const error = { code: -32600, message: 'your session is over' };
    // Requests are numbered from 0, which was the handshake.
    server.sendRaw(`data: ${JSON.stringify({ jsonrpc: '2.0', id: 1, error })}\n\n`);
    expect(await running).toMatchObject({ reason: 'CALL_REFUSED', sent: true });
    expect(connection.state).toBe('live');
  });
});

describe('what an SSE server sends', () => {
  it('may hold what is no message: it is told and skipped', async () => {
    const server = await openSseServer();
    const errors: string[] = [];
    const connection = await openConnection(
      { kind: 'sse', url: server.url, headers: {} },
      { onError: (error) => errors.push(error.name) },
    );
    server.sendRaw(': comment\n\nevent: other\ndata: {}\n\nid: 7\nunknown: x\n\n');
    server.sendRaw('data: {broken\n\ndata: {"jsonrpc":"1.0"}\n\nevent: endpoint\ndata: /other\n\n');
    expect(textOf(await connection.callTool({ name: 'echo', arguments: { text: 'é…' } }))).toBe(
      'é…',
    );
    // By now the second endpoint was seen, and is not followed.
    await connection.callTool({ name: 'label' });
    expect(errors).toEqual(['SyntaxError', 'ZodError']);
  });

  it('has a limit for one message, beyond which the stream is lost', async () => {
    const server = await openSseServer({ label: 'me' });
    const { pool } = poolOf(server);
    const running = clientErrorOf(
      pool.app.callTool('one', { name: 'wait' }, { timeoutMs: HOUR_MS }),
    );
    await until(() => server.waiting === 1);
    server.sendRaw(`data: ${'x'.repeat(11 * 1024 * 1024)}`);
    expect(await running).toMatchObject({ reason: 'LIMIT_EXCEEDED', sent: true });
    expect(textOf(await pool.app.callTool('one', { name: 'label' }))).toBe('me');
  });

  it('in answer to a POST is judged by its status', async () => {
    let status = 500;
    const server = await openSseServer({
      instead: (request, response) => {
        if (server.count('tools/call') === 0 || !isCall(request)) return false;
        response.writeHead(status).end('not now');
        return true;
      },
    });
    const { pool } = poolOf(server);
    const reasons: string[] = [];
    for (status of [500, 503, 403]) {
      const { reason, sent } = await clientErrorOf(pool.app.callTool('one', { name: 'label' }));
      reasons.push(`${reason} ${String(sent)}`);
    }
    expect(reasons).toEqual([
      'SERVER_UNAVAILABLE true',
      'SERVER_UNAVAILABLE false',
      'CALL_REFUSED false',
    ]);
    expect([pool.app.loaded('one')?.state, server.opened]).toEqual(['live', 1]);
  });
});

describe('silence on an SSE stream', () => {
  const spec = (url: string, readMs: number): Declared['spec'] => ({
    transport: networkServer('sse', url),
    timeouts: { readMs, callMs: HOUR_MS },
  });

  it('counts only while an answer is due', async () => {
    let refuses = false;
    const server = await openSseServer({
      instead: (_request, response) => {
        if (refuses) response.writeHead(503).end();
        return refuses;
      },
    });
    const slow = await openSseServer();
    const { pool } = openPool([
      { name: 'answered', spec: spec(server.url, 1000) },
      { name: 'refused', spec: spec(server.url, 1000) },
      { name: 'silent', spec: spec(slow.url, 2000) },
    ]);
    await pool.app.callTool('answered', { name: 'label' });
    await pool.app.get('refused');
    refuses = true;
    const refused = await clientErrorOf(pool.app.callTool('refused', { name: 'label' }));
    expect(refused.reason).toBe('SERVER_UNAVAILABLE');
    // Its end says that the limits of the others were over long ago.
    const silent = await clientErrorOf(pool.app.callTool('silent', { name: 'wait' }));
    expect(silent).toMatchObject({ reason: 'CONNECTION_LOST', sent: true });
    expect(pool.app.getLoaded().map(({ name }) => name)).toEqual(['answered', 'refused']);
  });

  it('ends with any byte, be it of a comment', async () => {
    const [server, slow] = [await openSseServer(), await openSseServer()];
    const { pool } = openPool([
      { name: 'heard', spec: spec(server.url, 1000) },
      { name: 'silent', spec: spec(slow.url, 2000) },
    ]);
    const heard = pool.app.callTool('heard', { name: 'wait' });
    await until(() => server.waiting === 1);
    let isOver = false;
    const silent = clientErrorOf(pool.app.callTool('silent', { name: 'wait' }));
    void silent.then(() => (isOver = true));
    await until(() => {
      server.sendRaw(': alive\n\n');
      return isOver;
    });
    server.release();
    expect(textOf(await heard)).toBe('released');
  });
});

describe('an SSE handshake', () => {
  const answering =
    (answer: (response: ServerResponse) => void) =>
    ({ method }: IncomingMessage, response: ServerResponse): boolean => {
      if (method !== 'GET') return false;
      answer(response);
      return true;
    };

  it.each([
    ['405', (response: ServerResponse) => response.writeHead(405).end()],
    ['JSON', (response: ServerResponse) => response.writeHead(200, JSON_TYPE).write('{}')],
    ['a stream that ends', (response: ServerResponse) => response.writeHead(200, EVENTS).end()],
    [
      'an endpoint that is none',
      (response: ServerResponse) =>
        response.writeHead(200, EVENTS).write('event: endpoint\ndata: http://\n\n'),
    ],
  ])('fails typed on %s', async (_title, answer) => {
    const server = await openSseServer({ instead: answering(answer) });
    const error = await clientErrorOf(poolOf(server).pool.app.get('one'));
    expect([error.reason, error.sent, error.metadata['kind']]).toEqual([
      'CONNECT_FAILED',
      false,
      'connect_failed',
    ]);
  });

  it('takes no endpoint of another origin, and sends nothing there', async () => {
    const elsewhere = await openSseServer();
    const server = await openSseServer({
      instead: answering((response) => {
        const endpoint = new URL('/message', elsewhere.url).href;
        response.writeHead(200, EVENTS).write(`event: endpoint\ndata: ${endpoint}\n\n`);
      }),
    });
    const error = await clientErrorOf(poolOf(server).pool.app.get('one'));
    expect(error.reason).toBe('CONNECT_FAILED');
    expect(error.message).toContain('another origin');
    expect(elsewhere.count('initialize')).toBe(0);
  });

  it('ends in time when no endpoint comes, and leaves no stream', async () => {
    let closed = false;
    const server = await openSseServer({
      instead: answering((response) => {
        response.on('close', () => (closed = true));
        response.writeHead(200, EVENTS).flushHeaders();
      }),
    });
    const { pool } = poolOf(server, { connectMs: 150 });
    expect((await clientErrorOf(pool.app.get('one'))).reason).toBe('CONNECT_TIMEOUT');
    await until(() => closed);
  });

  it('follows redirects to its own origin, for the stream and for messages', async () => {
    const server = await openSseServer({
      label: 'me',
      instead: ({ url = '' }, response) => {
        const { pathname, search } = new URL(url, 'http://h');
        if (pathname.endsWith('/')) return false;
        response.writeHead(307, { location: `${pathname}/${search}` }).end();
        return true;
      },
    });
    expect(textOf(await poolOf(server).pool.app.callTool('one', { name: 'label' }))).toBe('me');
  });

  it.each(['GET', 'POST'])('follows no %s to another origin', async (method) => {
    const elsewhere = await openSseServer();
    const server = await openSseServer({
      instead: (request, response) => {
        if (request.method !== method) return false;
        response.writeHead(307, { location: elsewhere.url }).end();
        return true;
      },
    });
    const { pool } = poolOf(server);
    expect((await clientErrorOf(pool.app.get('one'))).reason).toBe('CONNECT_FAILED');
    expect(elsewhere.count('GET') + elsewhere.count('initialize')).toBe(0);
  });

  it('is of the older protocol, without asking for the newer one', async () => {
    const accepted: (string | undefined)[] = [];
    const server = await openSseServer({
      authorize: ({ accept }) => accepted.push(accept) > 0,
    });
    const target = { kind: 'sse', url: server.url, headers: {} } as const;
    const connection = await openConnection(target, { era: 'auto' });
    expect([connection.era, server.count('server/discover')]).toEqual(['legacy', 0]);
    expect(accepted[0]).toBe('text/event-stream');
    const headers = JSON.parse(textOf(await connection.callTool({ name: 'headers' }))) as object;
    expect(headers).toMatchObject({ 'mcp-protocol-version': connection.protocolVersion });
    await connection.close();
    await until(() => server.alive === 0);
    expect((await mcpErrorOf(connection.probe())).kind).toBe('closed');
  });
});
