import type { ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { answer, INITIALIZED, tools, type OddBehaviour } from '../../support/mcp/odd-http.js';
import type { Attack } from '../attack.js';
import { hostileHttp, startNode } from '../lab/node.js';
import type { Use } from '../roles/node.js';

const MIB = 2 ** 20;
const JSON_TYPE = { 'content-type': 'application/json' };
const EVENTS_TYPE = { 'content-type': 'text/event-stream' };

interface HttpAttack extends Pick<Attack, 'name' | 'about'> {
  readonly use: Use;
  readonly behave: OddBehaviour;
}

/** A server over streamable HTTP that a node uses. */
function httpAttack({ name, about, use, behave }: HttpAttack): Attack {
  return {
    name,
    about,
    target: 'node',
    maxGrowthMiB: 128,
    open: async (lab) =>
      startNode(lab, { transport: await hostileHttp(lab, listing(behave)), use }),
  };
}

/** What `behave` does, and for what it leaves to the server a list of one tool. */
function listing(behave: OddBehaviour): OddBehaviour {
  return async (exchange) =>
    (await behave(exchange)) ||
    (exchange.rpc?.method === 'tools/list' && answer(exchange, { tools: tools(1) }));
}

/** Writes the same again and again until the other side has gone. */
async function writeForever(response: ServerResponse, chunk: string): Promise<void> {
  let wake = (): void => undefined;
  response.on('drain', () => {
    wake();
  });
  response.once('close', () => {
    wake();
  });
  while (!response.destroyed) {
    const isRoom = response.write(chunk);
    await (isRoom ? nextTurn() : new Promise<void>((resolve) => (wake = resolve)));
  }
}

function isCall(method: string | undefined): boolean {
  return method === 'tools/call';
}

const LINE = 'x'.repeat(64 * 1_024);
const PING = `data: ${JSON.stringify({ jsonrpc: '2.0', id: 'p', method: 'ping' })}\n\n`;

/** Servers over streamable HTTP. */
export const HTTP_SERVER_ATTACKS: readonly Attack[] = [
  httpAttack({
    name: 'an endless line',
    about: 'The stream of notifications is one line that never ends.',
    use: 'call a tool',
    behave: ({ request, rpc, response }) => {
      if (isCall(rpc?.method)) return true;
      if (request.method !== 'GET') return false;
      response.writeHead(200, EVENTS_TYPE).write('data: ');
      void writeForever(response, LINE);
      return true;
    },
  }),
  httpAttack({
    name: 'an endless result',
    about: 'The result of a tool is JSON that never ends.',
    use: 'call a tool',
    behave: ({ rpc, response }) => {
      if (!isCall(rpc?.method)) return false;
      response.writeHead(200, JSON_TYPE).write(`{"jsonrpc":"2.0","id":${String(rpc?.id)},"x":"`);
      void writeForever(response, LINE);
      return true;
    },
  }),
  httpAttack({
    name: 'a gzip bomb',
    about: 'The result of a tool is 459 KB that decompress to 450 MB.',
    use: 'call a tool',
    behave: ({ rpc, response }) => {
      if (!isCall(rpc?.method)) return false;
      const text = `{"jsonrpc":"2.0","id":${String(rpc?.id)},"x":"${'x'.repeat(450 * MIB)}"}`;
      response.writeHead(200, { ...JSON_TYPE, 'content-encoding': 'gzip' }).end(gzipSync(text));
      return true;
    },
  }),
  httpAttack({
    name: 'an endless error',
    about: 'A status 500 has a body that never ends.',
    use: 'call a tool',
    behave: ({ rpc, response }) => {
      if (!isCall(rpc?.method)) return false;
      response.writeHead(500, { 'content-type': 'text/plain' });
      void writeForever(response, LINE);
      return true;
    },
  }),
  httpAttack({
    name: 'pages of tools without an end',
    about: 'A list of tools has one page of 8 MB after the other.',
    use: 'list tools',
    behave: (exchange) => {
      if (exchange.rpc?.method !== 'tools/list') return false;
      const page = Number(exchange.rpc.params?.['cursor'] ?? 0);
      const [tool] = tools(1, page);
      const description = 'x'.repeat(8 * MIB);
      return answer(exchange, { tools: [{ ...tool, description }], nextCursor: String(page + 1) });
    },
  }),
  httpAttack({
    name: 'a flood of pings',
    about: 'The stream of notifications brings pings, each of which wants a request of its own.',
    use: 'call a tool',
    behave: ({ request, rpc, response }) => {
      if (isCall(rpc?.method)) return true;
      if (request.method !== 'GET') return false;
      response.writeHead(200, EVENTS_TYPE);
      void writeForever(response, PING.repeat(100));
      return true;
    },
  }),
  httpAttack({
    name: 'an output schema that backtracks',
    about: 'A tool has `^(a+)+$` as the pattern of its result, and returns what does not match it.',
    use: 'call a tool',
    behave: (exchange) => {
      const { rpc } = exchange;
      const properties = { text: { type: 'string', pattern: '^(a+)+$' } };
      const outputSchema = { type: 'object', properties };
      const tool = { name: 'tool', inputSchema: { type: 'object' }, outputSchema };
      if (rpc?.method === 'tools/list') return answer(exchange, { tools: [tool] });
      if (!isCall(rpc?.method)) return false;
      const structuredContent = { text: `${'a'.repeat(40)}!` };
      return answer(exchange, { content: [], structuredContent });
    },
  }),
  httpAttack({
    name: 'a result of 50 MB',
    about: 'The result of a tool has 50 MB of text.',
    use: 'call a tool',
    behave: (exchange) =>
      isCall(exchange.rpc?.method) &&
      answer(exchange, { content: [{ type: 'text', text: 'x'.repeat(50 * MIB) }] }),
  }),
  httpAttack({
    name: 'a result of a million parts',
    about: 'The result of a tool has 1,000,000 content blocks.',
    use: 'call a tool',
    behave: (exchange) =>
      isCall(exchange.rpc?.method) &&
      answer(exchange, {
        content: Array.from({ length: 1_000_000 }, () => ({ type: 'text', text: '' })),
      }),
  }),
  httpAttack({
    name: 'a result nested 100,000 deep',
    about: 'The result of a tool is JSON that is nested 100,000 deep.',
    use: 'call a tool',
    behave: ({ rpc, response }) => {
      if (!isCall(rpc?.method)) return false;
      const nested = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
      const result = `{"content":[],"structuredContent":{"x":${nested}}}`;
      response.writeHead(200, JSON_TYPE);
      response.end(`{"jsonrpc":"2.0","id":${String(rpc?.id)},"result":${result}}`);
      return true;
    },
  }),
  httpAttack({
    name: 'instructions of 50 MB',
    about: 'The handshake has instructions of 50 MB.',
    use: 'connect',
    behave: (exchange) =>
      exchange.rpc?.method === 'initialize' &&
      answer(exchange, { ...INITIALIZED, instructions: 'x'.repeat(50 * MIB) }),
  }),
];
