import { setTimeout as sleep } from 'node:timers/promises';
import { gzipBomb, writeForever } from '../../support/mcp/floods.js';
import {
  answer,
  INITIALIZED,
  refuse,
  tools,
  type OddBehaviour,
} from '../../support/mcp/odd-http.js';
import type { Attack } from '../attack.js';
import { hostileHttp, startNode, type AttackedNode } from '../lab/node.js';
import type { Use } from '../roles/node.js';

const MIB = 2 ** 20;
/** How long the attacker watches. Milliseconds. */
const WATCH_MS = 3_000;
const JSON_TYPE = { 'content-type': 'application/json' };
const EVENTS_TYPE = { 'content-type': 'text/event-stream' };

interface HttpAttack extends Pick<Attack, 'name' | 'about' | 'defence' | 'held'> {
  readonly use: Use;
  readonly behave: OddBehaviour;
}

const LIMIT = /^LIMIT_EXCEEDED/;
const MESSAGE_SIZE = 'A message has a limit in bytes, counted as it is decompressed and read.';
const MESSAGE_VALUES = 'A message has a limit of levels and values, checked before it is parsed.';

/** A server over streamable HTTP that a node uses. */
function httpAttack({ use, behave, ...rest }: HttpAttack): Attack {
  return {
    ...rest,
    target: 'node',
    maxGrowthMiB: 128,
    open: async (lab) => startNode(lab, { transport: await hostileHttp(lab, behave), use }),
  };
}

function isCall(method: string | undefined): boolean {
  return method === 'tools/call';
}

const LINE = 'x'.repeat(64 * 1_024);
const PING = `data: ${JSON.stringify({ jsonrpc: '2.0', id: 'p', method: 'ping' })}\n\n`;

/** The id of a session that is known for the handshake only. */
const SESSION = 'a-session';

/** Servers over streamable HTTP. */
export const HTTP_SERVER_ATTACKS: readonly Attack[] = [
  httpAttack({
    name: 'an endless line',
    about: 'The stream of notifications is one line that never ends.',
    defence: MESSAGE_SIZE,
    held: LIMIT,
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
    defence: MESSAGE_SIZE,
    held: LIMIT,
    use: 'call a tool',
    behave: ({ rpc, response }) => {
      if (!isCall(rpc?.method)) return false;
      response.writeHead(200, JSON_TYPE).write(`{"jsonrpc":"2.0","id":${String(rpc?.id)},"x":"`);
      void writeForever(response, LINE);
      return true;
    },
  }),
  {
    name: 'a gzip bomb',
    about: 'The result of a tool is 459 KB that decompress to 450 MB.',
    defence: MESSAGE_SIZE,
    held: LIMIT,
    target: 'node',
    maxGrowthMiB: 128,
    async open(lab) {
      const bomb = await gzipBomb('{"jsonrpc":"2.0",', 450);
      const transport = await hostileHttp(lab, ({ rpc, response }) => {
        if (!isCall(rpc?.method)) return false;
        response.writeHead(200, { ...JSON_TYPE, 'content-encoding': 'gzip' }).end(bomb);
        return true;
      });
      return startNode(lab, { transport });
    },
  },
  httpAttack({
    name: 'an endless error',
    about: 'A status 500 has a body that never ends.',
    defence: 'The body of an HTTP error is cut at 64 KiB.',
    held: /^SERVER_UNAVAILABLE/,
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
    defence: 'A list has a limit in bytes and in pages.',
    held: LIMIT,
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
    defence: 'Requests of a server are limited in number and rate; beyond it, its connection ends.',
    held: LIMIT,
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
    defence: 'Results are checked against schemas in a thread with a deadline.',
    held: /^CALL_REFUSED/,
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
    defence: MESSAGE_SIZE,
    held: LIMIT,
    use: 'call a tool',
    behave: (exchange) =>
      isCall(exchange.rpc?.method) &&
      answer(exchange, { content: [{ type: 'text', text: 'x'.repeat(50 * MIB) }] }),
  }),
  httpAttack({
    name: 'a result of a million parts',
    about: 'The result of a tool has 1,000,000 content blocks.',
    defence: MESSAGE_VALUES,
    held: LIMIT,
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
    defence: MESSAGE_VALUES,
    held: LIMIT,
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
    defence: MESSAGE_SIZE,
    held: LIMIT,
    use: 'connect',
    behave: (exchange) =>
      exchange.rpc?.method === 'initialize' &&
      answer(exchange, { ...INITIALIZED, instructions: 'x'.repeat(50 * MIB) }),
  }),
  httpAttack({
    name: 'progress for ever',
    about: 'A call that never ends, with a progress notification every 300 ms.',
    defence: 'A call has an absolute limit beside the time without progress.',
    held: /^CALL_TIMEOUT/,
    use: 'call a tool',
    behave: ({ rpc, response }) => {
      if (!isCall(rpc?.method)) return false;
      response.writeHead(200, EVENTS_TYPE);
      const meta = rpc?.params?.['_meta'] as { readonly progressToken?: unknown } | undefined;
      let progress = 0;
      const timer = setInterval(() => {
        progress += 1;
        const params = { progressToken: meta?.progressToken, progress };
        const message = { jsonrpc: '2.0', method: 'notifications/progress', params };
        response.write(`data: ${JSON.stringify(message)}\n\n`);
      }, 300);
      response.once('close', () => clearInterval(timer));
      return true;
    },
  }),
  httpAttack({
    name: 'a session that is lost',
    about: 'Every call is answered with 404: the session is not known any more.',
    defence: 'A call is repeated in a new session once at most.',
    held: /^CONNECTION_LOST/,
    use: 'call a tool',
    behave: (exchange) => {
      const { rpc, response } = exchange;
      if (rpc?.method === 'initialize') {
        response.setHeader('mcp-session-id', SESSION);
        return answer(exchange, INITIALIZED);
      }
      return isCall(rpc?.method) && refuse(exchange, 404);
    },
  }),
  {
    name: 'a stream that is to be opened again at once',
    about: 'The stream of notifications ends at once, with `retry: 0`.',
    defence: 'A stream is opened again after 1 s at the earliest.',
    target: 'node',
    // In about 3 s.
    held: /^[0-5] requests$/,
    maxGrowthMiB: 64,
    async open(lab) {
      let requests = 0;
      const transport = await hostileHttp(lab, ({ request, response }) => {
        if (request.method !== 'GET') return false;
        requests += 1;
        response.writeHead(200, EVENTS_TYPE).end('retry: 0\nid: 1\n\n');
        return true;
      });
      const attack = async (node: AttackedNode): Promise<string> => {
        await node.call('use', 'list tools');
        await sleep(WATCH_MS, undefined, { signal: lab.signal });
        return `${String(requests)} requests`;
      };
      return startNode(lab, { transport, attack });
    },
  },
];
