import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { InspectionResult } from '../../src/domain/inspection.js';
import { OBSERVATION_LIMITS, toolBytes } from '../../src/domain/observation.js';
import { testFolder } from '../support/control-plane/control-plane.js';
import { inspect, openInspector } from '../support/inspection/inspector.js';
import { openModernServer } from '../support/mcp/modern-server.js';
import {
  answer,
  INITIALIZED,
  openOddServer,
  refuse,
  tools,
  type OddExchange,
} from '../support/mcp/odd-server.js';
import { isGroupAlive, openHttpServer, until } from '../support/mcp/pool.js';
import { EVERYTHING, httpServer, nodeServer } from '../support/mcp/specs.js';
import { startMcpSseServer } from '../support/mcp/sse-server.js';
import { startMcpWebSocketServer } from '../support/mcp/websocket-server.js';

function observedOf(result: InspectionResult) {
  if (result.kind !== 'observed') throw new Error(`failed: ${result.reason} ${result.message}`);
  return result.observed;
}

function failureOf(result: InspectionResult) {
  if (result.kind !== 'failed') throw new Error('it was expected to fail');
  return result;
}

describe('an inspector', () => {
  it('tells what a server of the old era says of itself, and ends its session', async () => {
    const mcp = await openHttpServer();
    const result = await inspect(openInspector(), httpServer(mcp.url));
    expect(result).toMatchObject({
      oauthNeed: 'no',
      observed: { protocolEra: 'legacy', serverName: 'test', serverVersion: '1.0.0' },
    });
    const observed = observedOf(result);
    expect(observed.tools.map(({ name }) => name)).toContain('echo');
    expect(observed.toolCount).toBe(observed.tools.length);
    expect(JSON.parse(observed.capabilitiesJson)).toHaveProperty('tools');
    expect(observed.protocolVersion).toMatch(/^2025-/);
    await until(() => mcp.alive === 0 && mcp.deleted === 1);
  });

  it('says why a URL with credentials leads nowhere', async () => {
    const mcp = await openHttpServer();
    const result = await inspect(
      openInspector(),
      httpServer(mcp.url.replace('://', '://user:hunter2@')),
    );
    expect(failureOf(result)).toMatchObject({ reason: 'UNAUTHORIZED' });
    expect(failureOf(result).message).toMatch(/URL contains credentials.*headers/);
    expect(failureOf(result).message).not.toContain('hunter2');
  });

  it('tells the new era from the old one', async () => {
    const url = await openModernServer();
    const observed = observedOf(await inspect(openInspector(), httpServer(url)));
    expect(observed).toMatchObject({ protocolEra: 'modern', serverName: 'modern', toolCount: 1 });
    expect(observed.protocolVersion).toBe('2026-07-28');
  });

  it('starts a process, and leaves none behind', async () => {
    const inspector = openInspector();
    const pidFile = path.join(await testFolder(), 'pid');
    const program = `
      require('node:fs').writeFileSync(${JSON.stringify(pidFile)}, String(process.pid));
      import(${JSON.stringify(EVERYTHING)});`;
    const result = await inspect(inspector, nodeServer(['-e', program]));
    const observed = observedOf(result);
    expect(observed.tools.length).toBeGreaterThan(5);
    expect(observed.instructions).not.toBe('');
    expect(result).toMatchObject({ oauthNeed: 'no' });
    await inspector.close();
    expect(isGroupAlive(Number(await readFile(pidFile, 'utf8')))).toBe(false);
  });

  it('reads all pages, and keeps of 10,000 tools those that fit', async () => {
    const odd = await openOddServer((exchange) => {
      if (exchange.rpc?.method !== 'tools/list') return false;
      const from = Number(exchange.rpc.params?.['cursor'] ?? 0);
      const nextCursor = from + 500 < 10_000 ? { nextCursor: String(from + 500) } : {};
      return answer(exchange, { tools: tools(500, from), ...nextCursor });
    });
    const observed = observedOf(await inspect(openInspector(), httpServer(odd.url)));
    expect(observed.toolCount).toBe(10_000);
    const bytes = observed.tools.reduce((sum, tool) => sum + toolBytes(tool), 0);
    const oneMore = toolBytes({ ...observed.tools[0]!, name: 'tool-9999' });
    expect(bytes).toBeLessThanOrEqual(OBSERVATION_LIMITS.toolBytes);
    expect(bytes + oneMore).toBeGreaterThan(OBSERVATION_LIMITS.toolBytes);
    expect(observed.tools.map(({ name }) => name)).toEqual(
      observed.tools.map((_, index) => `tool-${String(index)}`),
    );
  });

  it.each([
    ['10,001 tools', (exchange: OddExchange) => answer(exchange, { tools: tools(10_001) })],
    [
      'pages without end',
      (exchange: OddExchange) => answer(exchange, { tools: tools(1), nextCursor: 'again' }),
    ],
    [
      'one answer of 9 MB',
      (exchange: OddExchange) =>
        answer(exchange, { tools: [{ name: 'a', description: 'x'.repeat(9_000_000) }] }),
    ],
    [
      'an answer without end',
      ({ response }: OddExchange) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        const more = (): void => {
          if (!response.destroyed) response.write('x'.repeat(65_536), more);
        };
        more();
        return true;
      },
    ],
  ])('gives up on %s', async (_name, behave) => {
    const odd = await openOddServer((exchange) =>
      exchange.rpc?.method === 'tools/list' ? behave(exchange) : false,
    );
    const result = await inspect(openInspector(), httpServer(odd.url));
    expect(failureOf(result).reason).toBe('TOO_LARGE');
    expect(odd.seen.filter((method) => method === 'tools/list').length).toBeLessThanOrEqual(64);
    await until(() => odd.open === 0);
  });

  it.each([
    ['the first question', 'server/discover'],
    ['the handshake', 'initialize'],
    ['the list of tools', 'tools/list'],
  ])('has one deadline for all: %s is never answered', async (_name, method) => {
    const odd = await openOddServer(({ rpc }) => rpc?.method === method);
    const result = await inspect(openInspector(), httpServer(odd.url), { timeoutMs: 1_500 });
    expect(failureOf(result).reason).toBe('TIMEOUT');
    await until(() => odd.open === 0);
  });

  it('has one deadline for all: every page of many is slow', async () => {
    const odd = await openOddServer(async (exchange) => {
      if (exchange.rpc?.method !== 'tools/list') return false;
      await new Promise((resolve) => setTimeout(resolve, 300));
      return answer(exchange, { tools: tools(1), nextCursor: 'more' });
    });
    const result = await inspect(openInspector(), httpServer(odd.url), { timeoutMs: 1_500 });
    expect(failureOf(result).reason).toBe('TIMEOUT');
  });

  it.each([
    ['broken JSON', '{"jsonrpc": "2.0", "id"', 'application/json'],
    ['JSON that is no message', '{"hello": "world"}', 'application/json'],
    ['a web page', '<html>hello</html>', 'text/html'],
  ])('says that %s is not MCP', async (_name, body, type) => {
    const odd = await openOddServer(({ response }) => {
      response.writeHead(200, { 'content-type': type }).end(body);
      return true;
    });
    const result = failureOf(await inspect(openInspector(), httpServer(odd.url)));
    expect(result).toMatchObject({ kind: 'failed', reason: 'INVALID_ANSWER' });
  });

  it.each([
    ['tools that are no list', { tools: 'many' }],
    ['a tool without a name', { tools: [{ description: 'nameless' }] }],
    ['a cursor that is no text', { tools: [], nextCursor: 7 }],
  ])('says that %s are not MCP', async (_name, list) => {
    const odd = await openOddServer((exchange) =>
      exchange.rpc?.method === 'tools/list' ? answer(exchange, list) : false,
    );
    const result = failureOf(await inspect(openInspector(), httpServer(odd.url)));
    expect(result.reason).toBe('INVALID_ANSWER');
  });

  it('cuts instructions, and does not ask for tools that are not offered', async () => {
    const odd = await openOddServer((exchange) =>
      exchange.rpc?.method === 'initialize'
        ? answer(exchange, { ...INITIALIZED, capabilities: {}, instructions: '🙂'.repeat(10_000) })
        : false,
    );
    const observed = observedOf(await inspect(openInspector(), httpServer(odd.url)));
    expect(observed.instructions).toBe('🙂'.repeat(8_192));
    expect(observed).toMatchObject({ tools: [], toolCount: 0 });
    expect(odd.seen).not.toContain('tools/list');
  });

  it('says that nobody listens, without words of the spec', async () => {
    const result = failureOf(
      await inspect(
        openInspector(),
        httpServer('http://127.0.0.1:9/mcp?key=s3cret', { 'x-key': 's3cret' }),
      ),
    );
    expect(result.reason).toBe('UNREACHABLE');
    expect(JSON.stringify(result)).not.toContain('s3cret');
  });

  it('repeats nothing that a server says in its errors', async () => {
    const odd = await openOddServer((exchange) => {
      exchange.response.writeHead(500).end(String(exchange.request.headers['x-key']));
      return true;
    });
    const result = failureOf(
      await inspect(openInspector(), httpServer(odd.url, { 'x-key': 's3cret' })),
    );
    expect(result).toMatchObject({ reason: 'UNREACHABLE', message: 'it answered HTTP 500' });
  });

  it('says that a process ended, or is none', async () => {
    const inspector = openInspector();
    const ended = failureOf(await inspect(inspector, nodeServer(['-e', 'process.exit(3)'])));
    expect(ended.reason).toBe('UNREACHABLE');
    const none = { ...nodeServer([]), command: '/no/such/program' };
    const missing = failureOf(await inspect(inspector, none));
    expect(missing).toMatchObject({
      reason: 'UNREACHABLE',
      message: 'it cannot be reached (ENOENT)',
    });
  });

  it('stops at once when it is told to', async () => {
    const odd = await openOddServer(({ rpc }) => rpc?.method === 'tools/list');
    const stop = new AbortController();
    // Longer than a test: only the signal ends it.
    const limits = { signal: stop.signal, timeoutMs: 60_000 };
    const looking = inspect(openInspector(), httpServer(odd.url), limits);
    await until(() => odd.seen.includes('tools/list'));
    stop.abort(new Error('enough'));
    await expect(looking).rejects.toThrow('enough');
    await until(() => odd.open === 0);
  });
});

describe('the need for OAuth', () => {
  it.each([401, 403])('is unknown after a plain %i', async (status) => {
    const odd = await openOddServer((exchange) =>
      exchange.rpc === undefined ? false : refuse(exchange, status),
    );
    const result = failureOf(await inspect(openInspector(), httpServer(odd.url)));
    expect(result).toMatchObject({ reason: 'UNAUTHORIZED', oauthNeed: 'unknown' });
  });

  it('is there if the refusal names the metadata', async () => {
    const challenge = 'Bearer resource_metadata="https://odd.example/meta"';
    const odd = await openOddServer((exchange) =>
      refuse(exchange, 401, { 'www-authenticate': challenge }),
    );
    const result = failureOf(await inspect(openInspector(), httpServer(odd.url)));
    expect(result).toMatchObject({ reason: 'UNAUTHORIZED', oauthNeed: 'yes' });
  });

  it.each(['/.well-known/oauth-protected-resource/mcp', '/.well-known/oauth-protected-resource'])(
    'is there if the metadata are at %s',
    async (place) => {
      const odd = await openOddServer((exchange) => {
        if (exchange.request.url !== place) return refuse(exchange, exchange.rpc ? 401 : 404);
        exchange.response.writeHead(200, { 'content-type': 'application/json' });
        exchange.response.end(JSON.stringify({ resource: 'https://odd.example/mcp' }));
        return true;
      });
      const result = failureOf(await inspect(openInspector(), httpServer(`${odd.url}?key=1`)));
      expect(result).toMatchObject({ reason: 'UNAUTHORIZED', oauthNeed: 'yes' });
      expect(odd.seen.join(' ')).not.toContain('well-known/oauth-protected-resource/mcp?key');
    },
  );

  it.each([
    ['no JSON', 'text/html', '<html>'],
    ['other JSON', 'application/json', '{"error": "none"}'],
  ])('is unknown if what is at the place of the metadata is %s', async (_name, type, body) => {
    const odd = await openOddServer((exchange) => {
      if (exchange.rpc !== undefined) return refuse(exchange, 401);
      exchange.response.writeHead(200, { 'content-type': type }).end(body);
      return true;
    });
    const result = failureOf(await inspect(openInspector(), httpServer(odd.url)));
    expect(result.oauthNeed).toBe('unknown');
  });

  it('is unknown, and in time, if the place of the metadata never answers', async () => {
    const odd = await openOddServer((exchange) =>
      exchange.rpc === undefined ? true : refuse(exchange, 401),
    );
    const result = failureOf(
      await inspect(openInspector(), httpServer(odd.url), { timeoutMs: 1_500 }),
    );
    expect(result).toMatchObject({ reason: 'UNAUTHORIZED', oauthNeed: 'unknown' });
    await until(() => odd.open === 0);
  });

  it('is not there for who needs no credential, unknown for who showed one', async () => {
    const odd = await openOddServer();
    const inspector = openInspector();
    expect((await inspect(inspector, httpServer(odd.url))).oauthNeed).toBe('no');
    const bearer = httpServer(odd.url, { Authorization: 'Bearer abc' });
    expect((await inspect(inspector, bearer)).oauthNeed).toBe('unknown');
  });

  it('is not told by a server that is not there', async () => {
    const result = failureOf(await inspect(openInspector(), httpServer('http://127.0.0.1:9/')));
    expect(result).not.toHaveProperty('oauthNeed');
  });
});

describe('over the other transports, an inspector', () => {
  it('tells what a server says over HTTP with SSE', async () => {
    const mcp = await startMcpSseServer();
    onTestFinished(() => mcp[Symbol.asyncDispose]());
    const transport = { kind: 'sse', url: mcp.url, headers: {} } as const;
    const result = await inspect(openInspector(), transport);
    expect(observedOf(result)).toMatchObject({ protocolEra: 'legacy', serverName: 'test' });
    expect(result.oauthNeed).toBe('no');
    await until(() => mcp.alive === 0);
  });

  it('tells what a server says over a WebSocket', async () => {
    const mcp = await startMcpWebSocketServer();
    onTestFinished(() => mcp[Symbol.asyncDispose]());
    const transport = { kind: 'websocket', url: mcp.url, headers: {} } as const;
    const result = await inspect(openInspector(), transport);
    expect(observedOf(result)).toMatchObject({ protocolEra: 'legacy', serverName: 'test' });
    await until(() => mcp.alive === 0);
  });

  it('says that it was refused', async () => {
    const authorize = () => false;
    const [sse, socket] = [
      await startMcpSseServer({ authorize }),
      await startMcpWebSocketServer({ authorize }),
    ];
    onTestFinished(() => sse[Symbol.asyncDispose]());
    onTestFinished(() => socket[Symbol.asyncDispose]());
    const inspector = openInspector();
    for (const transport of [
      { kind: 'sse', url: sse.url, headers: {} },
      { kind: 'websocket', url: socket.url, headers: {} },
    ] as const) {
      const result = failureOf(await inspect(inspector, transport));
      expect(result).toMatchObject({ reason: 'UNAUTHORIZED', oauthNeed: 'unknown' });
    }
  });
});
