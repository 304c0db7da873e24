import { describe, expect, it } from 'vitest';
import { MAX_MESSAGE_SIZE } from '../../../src/mcp/message.js';
import { flood, gzipBomb, type Flood } from '../../support/mcp/floods.js';
import { answer, openOddServer, type OddBehaviour } from '../../support/mcp/odd-server.js';
import { clientErrorOf, openHttpServer, openPool, textOf, until } from '../../support/mcp/pool.js';
import { httpServer } from '../../support/mcp/specs.js';

const JSON_TYPE = { 'content-type': 'application/json' };
const EVENTS = { 'content-type': 'text/event-stream' };
const PIECE = 'x'.repeat(64 * 1024);

/** What a flood may have in sockets, ours and the server's, when its reader goes. */
const IN_SOCKETS = 24 * 1024 * 1024;

/** A pool with a server that behaves badly, and another one that does not. */
async function openBoth(behave: OddBehaviour) {
  const odd = await openOddServer(behave);
  const good = await openHttpServer({ label: 'good' });
  const test = openPool([
    { name: 'odd', spec: { transport: httpServer(odd.url) } },
    { name: 'good', spec: { transport: httpServer(good.url) } },
  ]);
  const label = async (): Promise<string> =>
    textOf(await test.pool.app.callTool('good', { name: 'label' }));
  expect(await label()).toBe('good');
  return { ...test, odd, label };
}

describe('an answer over streamable HTTP', () => {
  it.each([
    { type: JSON_TYPE, begin: '{"jsonrpc":"2.0","x":"' },
    { type: EVENTS, begin: 'data: ' },
    { type: EVENTS, begin: ': ' },
  ])('without an end ends its connection at the limit of a message: $begin [C7]', async (one) => {
    let sent: Flood | undefined;
    const { pool, label, history } = await openBoth(({ rpc, response }) => {
      if (rpc?.method !== 'tools/call') return false;
      response.writeHead(200, one.type);
      sent = flood(response, PIECE, one);
      return true;
    });
    const error = await clientErrorOf(pool.app.callTool('odd', { name: 'one' }));
    expect(error).toMatchObject({ reason: 'LIMIT_EXCEEDED', sent: true });
    expect(error.message).toContain(String(MAX_MESSAGE_SIZE));
    await until(() => sent?.isOver === true);
    expect(sent?.bytes).toBeLessThan(MAX_MESSAGE_SIZE + IN_SOCKETS);
    await until(() => history('odd').includes('closed'));
    expect(await label()).toBe('good');
  });

  it('that is a gzip bomb is counted as it is decompressed', async () => {
    const bomb = await gzipBomb('{"jsonrpc":"2.0",', 64);
    const { pool, label } = await openBoth(({ rpc, response }) => {
      if (rpc?.method !== 'tools/call') return false;
      response.writeHead(200, { ...JSON_TYPE, 'content-encoding': 'gzip' }).end(bomb);
      return true;
    });
    const error = await clientErrorOf(pool.app.callTool('odd', { name: 'one' }));
    expect(error).toMatchObject({ reason: 'LIMIT_EXCEEDED', sent: true });
    expect(await label()).toBe('good');
  });

  it.each([400, 500])('that is an error %i without an end is cut', async (status) => {
    let sent: Flood | undefined;
    const { pool } = await openBoth(({ rpc, response }) => {
      if (rpc?.method !== 'tools/call') return false;
      response.writeHead(status, { 'content-type': 'text/plain' });
      sent = flood(response, PIECE);
      return true;
    });
    const error = await clientErrorOf(pool.app.callTool('odd', { name: 'one' }));
    expect(error.metadata['status']).toBe(String(status));
    expect(error.message.length).toBeLessThan(1000);
    await until(() => sent?.isOver === true);
    expect(sent?.bytes).toBeLessThan(IN_SOCKETS);
  });

  it.each(['connect', 'call'])('that is nested too deep is not parsed: at the %s', async (when) => {
    const deep = `{"x":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
    const { pool } = await openBoth(({ rpc, response }) => {
      if (rpc?.method !== (when === 'connect' ? 'initialize' : 'tools/call')) return false;
      response.writeHead(200, JSON_TYPE);
      response.end(`{"jsonrpc":"2.0","id":${String(rpc.id)},"result":${deep}}`);
      return true;
    });
    const error = await clientErrorOf(pool.app.callTool('odd', { name: 'one' }));
    expect(error.reason).toBe('LIMIT_EXCEEDED');
    expect(error.message).toContain('levels');
  });
});

describe('a notification stream', () => {
  it('with an endless line ends its connection, and its calls, at the limit [C7]', async () => {
    let sent: Flood | undefined;
    let begin: () => void = () => undefined;
    const { pool, label, seen } = await openBoth(({ rpc, request, response }) => {
      if (rpc?.method === 'tools/call') {
        begin();
        return true;
      }
      if (request.method !== 'GET') return false;
      response.writeHead(200, EVENTS).flushHeaders();
      begin = () => (sent = flood(response, PIECE, { begin: 'data: ' }));
      return true;
    });
    const error = await clientErrorOf(pool.app.callTool('odd', { name: 'one' }));
    expect(error).toMatchObject({ reason: 'LIMIT_EXCEEDED', sent: true });
    await until(() => sent?.isOver === true);
    expect(sent?.bytes).toBeLessThan(MAX_MESSAGE_SIZE + IN_SOCKETS);
    await seen(({ type, name }) => type === 'closed' && name === 'odd');
    expect(await label()).toBe('good');
  });

  it('may have any line ends, ids, comments and several lines of data', async () => {
    const { pool } = await openBoth((exchange) => {
      const { rpc, response } = exchange;
      if (rpc?.method !== 'tools/call') return false;
      const result = '"result":{"content":[{"type":"text","text":"é…"}]}}';
      const lines = `: hi\r\nid: 7\r\ndata: {"jsonrpc":"2.0",\r\ndata: "id":${String(rpc.id)},${result}\r\n\r\n`;
      response.writeHead(200, EVENTS);
      for (const byte of Buffer.from(lines)) response.write(Buffer.of(byte));
      response.end();
      return true;
    });
    expect(textOf(await pool.app.callTool('odd', { name: 'one' }))).toBe('é…');
  });

  it('keeps a connection whose answers are as large as they may be', async () => {
    const text = 'x'.repeat(MAX_MESSAGE_SIZE - 1024);
    const { pool } = await openBoth(
      (exchange) =>
        exchange.rpc?.method === 'tools/call' &&
        answer(exchange, { content: [{ type: 'text', text }] }),
    );
    expect(textOf(await pool.app.callTool('odd', { name: 'one' })).length).toBe(text.length);
  });
});
