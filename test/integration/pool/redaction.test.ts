import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import type { Transport } from '../../../src/domain/config/spec.js';
import { observe } from '../../../src/mcp/observe.js';
import { mcpErrorOf, openConnection } from '../../support/mcp/connect.js';
import {
  answer,
  INITIALIZED,
  openOddServer,
  type OddBehaviour,
  type OddExchange,
} from '../../support/mcp/odd-server.js';
import { ownServer } from '../../support/mcp/own-server.js';
import { clientErrorOf, openPool, textOf } from '../../support/mcp/pool.js';
import { httpServer, nodeServer } from '../../support/mcp/specs.js';

/** A secret with characters that have other forms in URLs and in JSON. */
const TOKEN = 'tok/"en"-ü-4711-secret';
const PASSWORD = 'pass word-4711';
const BASIC = Buffer.from(`ana:${PASSWORD}`).toString('base64');
const HEADERS = { authorization: 'Bearer ${secret:token}', 'x-key': 'literal-4711' };

/** What all the secrets have in common, as it is or in base64. */
const SECRET = /4711|NDcxM|Q3MT|0NzEx/;

/** Everything that a log may show of something. */
function printed(what: unknown): string {
  return inspect(what, { depth: Infinity, showHidden: true, maxStringLength: Infinity });
}

function expectRedacted(what: unknown): void {
  expect(printed(what)).toContain('[redacted]');
  expect(printed(what)).not.toMatch(SECRET);
}

/** What was sent with a request, in every form in which a server may repeat it. */
function reflected({ request }: OddExchange): string {
  const { authorization = '', 'x-basic': basic, 'x-key': key } = request.headers;
  const query = new URL(request.url ?? '', 'http://localhost').searchParams.get('key');
  const sent = [authorization, authorization.slice(7), basic, key, query, `ana:${PASSWORD}`];
  return sent
    .map(String)
    .flatMap((text) => [text, encodeURIComponent(text), JSON.stringify(text), inBase64(text)])
    .join(' ');
}

function inBase64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** A pool with one server, which is sent the secrets. */
function openSecretPool(transport: Transport) {
  return openPool([{ name: 'one', spec: { transport } }], {
    secrets: () => TOKEN,
    credentials: () => ({ headers: { 'x-basic': `Basic ${BASIC}` }, revision: '1' }),
  });
}

/** What a call fails with, and the events of that pool. */
async function failedCall(transport: Transport) {
  const { pool, events } = openSecretPool(transport);
  const error = await clientErrorOf(pool.app.callTool('one', { name: 'one' }));
  return { error, events };
}

async function openReflecting(behave: OddBehaviour): Promise<Transport> {
  const odd = await openOddServer(behave);
  return httpServer(`${odd.url}?key=query-4711`, HEADERS);
}

/** Answers `method` with a status or a JSON-RPC error that has `text`. */
function refusing(method: string, status: number, text: (at: OddExchange) => string): OddBehaviour {
  return (exchange) => {
    const { rpc, response } = exchange;
    if (rpc?.method !== method) return false;
    const error = { code: -32000, message: text(exchange), data: { seen: [text(exchange)] } };
    const isJson = status === 200;
    response.writeHead(status, { 'content-type': isJson ? 'application/json' : 'text/plain' });
    const body = JSON.stringify({ jsonrpc: '2.0', id: rpc.id, error });
    response.end(isJson ? body : text(exchange));
    return true;
  };
}

describe('what was sent to a server', () => {
  it.each([
    ['tools/call', 400],
    ['tools/call', 401],
    ['tools/call', 500],
    ['tools/call', 200],
    ['initialize', 400],
    ['initialize', 200],
  ])('is not in the error that it makes of it: %s, %i', async (method, status) => {
    const { error, events } = await failedCall(
      await openReflecting(refusing(method, status, reflected)),
    );
    expectRedacted(error);
    expect(printed(events)).not.toMatch(SECRET);
  });

  it('is not there in part where the text is cut', async () => {
    for (let before = 420; before < 520; before += 4) {
      const behave = refusing(
        'tools/call',
        200,
        ({ request }) =>
          `${'.'.repeat(before)}${String(request.headers.authorization)}${'.'.repeat(10_000)}`,
      );
      const { error } = await failedCall(await openReflecting(behave));
      expect(printed(error)).not.toContain('tok/');
      expect(error.message.length).toBeLessThanOrEqual(500);
      expect(printed(error).length).toBeLessThan(20_000);
    }
  });

  it('is in the result, which belongs to who asked for it', async () => {
    const { pool } = openSecretPool(
      await openReflecting(
        (exchange) =>
          exchange.rpc?.method === 'tools/call' &&
          answer(exchange, { content: [{ type: 'text', text: reflected(exchange) }] }),
      ),
    );
    expect(textOf(await pool.app.callTool('one', { name: 'one' }))).toContain(TOKEN);
  });

  it('is not in what a WebSocket closes with', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    onTestFinished(() => server.close());
    server.on('connection', (socket, { headers }) => {
      socket.once('message', () => socket.close(4000, headers.authorization));
    });
    await once(server, 'listening');
    const url = `ws://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    expectRedacted((await failedCall({ kind: 'websocket', url, headers: HEADERS })).error);
  });

  it('is not in what an SSE server refuses', async () => {
    const odd = await openOddServer((exchange) => {
      exchange.response.writeHead(404).end(reflected(exchange));
      return true;
    });
    const { error } = await failedCall({ kind: 'sse', url: odd.url, headers: HEADERS });
    expectRedacted(error);
  });

  it('is not in what a process writes to its standard error, in any pieces', async () => {
    const program = `
      process.stderr.write('begin ' + process.env.KEY.slice(0, 9));
      process.stdin.once('data', () => {
        const rest = process.env.KEY.slice(9) + ' ' + process.argv.at(-1) + ' end';
        process.stderr.write(rest, () => process.exit(1));
      });`;
    const { events } = await failedCall(
      nodeServer(['-e', program, '--', '--token=${secret:token}'], {
        env: { KEY: 'environment-4711' },
        stderr: 'pipe',
      }),
    );
    const told = events.map((event) => (event.type === 'stderr' ? event.text : '')).join('');
    expect(told).toBe('begin [redacted] --token=[redacted] end');
    expect(printed(events)).not.toMatch(SECRET);
  });

  it('is not in the error of a process that cannot be started', async () => {
    const transport = nodeServer(['${secret:token}'], { command: '/no/such/program' });
    const { error } = await failedCall(transport);
    expect(error.reason).toBe('CONNECT_FAILED');
    expectRedacted(error);
  });

  it('is not in the facts that are reported of the server', async () => {
    const behave: OddBehaviour = (exchange) => {
      const text = reflected(exchange);
      if (exchange.rpc?.method === 'initialize') {
        const capabilities = { tools: {}, experimental: { [text]: { text } } };
        return answer(exchange, { ...INITIALIZED, capabilities, instructions: text });
      }
      if (exchange.rpc?.method !== 'tools/list') return false;
      const inputSchema = { type: 'object', description: text };
      return answer(exchange, { tools: [{ name: text, description: text, inputSchema }] });
    };
    const odd = await openOddServer(behave);
    const connection = await openConnection({
      kind: 'streamable_http',
      url: `${odd.url}?key=query-4711`,
      headers: {
        authorization: `Bearer ${TOKEN}`,
        'x-basic': `Basic ${BASIC}`,
        'x-key': 'x-4711-x',
      },
    });
    const facts = await observe(connection, {
      signal: new AbortController().signal,
      timeoutMs: 10_000,
    });
    expectRedacted(facts);
    expect(JSON.parse(facts.tools[0]?.inputSchemaJson ?? '')).toMatchObject({ type: 'object' });
  });

  it('is not in what the connection tells its listeners', async () => {
    const told: unknown[] = [];
    const connection = await openConnection(
      ownServer(
        `handle('tools/call', (id) => {
           say(JSON.stringify({ jsonrpc: '2.0', id: 'x', result: { key: process.env.KEY } }) + '\\n');
           answer(id, { content: process.env.KEY });
         });`,
        { env: { PATH: process.env['PATH'] ?? '', KEY: 'environment-4711' } },
      ),
      { onError: (error) => told.push(error) },
    );
    told.push(await mcpErrorOf(connection.callTool({ name: 'x' })));
    expect(told.length).toBe(2);
    expect(printed(told)).not.toMatch(SECRET);
  });
});
