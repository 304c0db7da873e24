import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SAFE_POLICY, type TransportPolicy } from '../../../src/domain/transport-policy.js';
import { createAddressGuard } from '../../../src/mcp/address-guard.js';
import type { HttpTarget } from '../../../src/mcp/connect-target.js';
import { createConnector } from '../../../src/mcp/connector.js';
import { createInspector } from '../../../src/mcp/inspector.js';
import { inspect } from '../../support/inspection/inspector.js';
import { mcpErrorOf, openConnection } from '../../support/mcp/connect.js';
import { openHttpServer } from '../../support/mcp/pool.js';
import { openProxy } from '../../support/mcp/proxy.js';
import { nodeServer } from '../../support/mcp/specs.js';
import { NETWORK_KINDS } from '../../support/mcp/transports.js';
import { namesOf } from '../../support/network/names.js';
import { openSocksProxy } from '../../support/network/socks-proxy.js';

const policyOf = (more: Partial<TransportPolicy> = {}): TransportPolicy => ({
  ...SAFE_POLICY,
  ...more,
});

/** The target with a host of another name, under a policy and resolved by `lookup`. */
function guarded(
  target: HttpTarget,
  host: string,
  { policy, lookup }: { readonly policy?: TransportPolicy; readonly lookup?: LookupFunction },
): HttpTarget {
  const url = target.url.replace('127.0.0.1', host);
  return { ...target, url, guard: createAddressGuard([policy ?? SAFE_POLICY], lookup) };
}

/** Listens, and counts the connections that come. */
async function listening(
  server: Server,
  host = '127.0.0.1',
): Promise<{ port: number; count(): number }> {
  let count = 0;
  server.on('connection', () => (count += 1));
  server.listen(0, host);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, count: () => count };
}

describe.each(NETWORK_KINDS)('a private server over $kind', ({ kind, open }) => {
  const targetOf = (url: string): HttpTarget => ({ kind, url, headers: {} });

  it('is not connected to at a refused address, whatever its name [C10]', async () => {
    const watched = await listening(createServer());
    const scheme = kind === 'websocket' ? 'ws' : 'http';
    const target = targetOf(`${scheme}://127.0.0.1:${String(watched.port)}/`);
    for (const host of ['127.0.0.1', '2130706433', '[::ffff:127.0.0.1]', 'localhost']) {
      const error = await mcpErrorOf(openConnection(guarded(target, host, {})));
      expect(error).toMatchObject({ kind: 'not_allowed', sent: false, data: { rule: 'loopback' } });
    }
    for (const addresses of [['127.0.0.1'], ['93.184.216.34', '127.0.0.1'], ['::ffff:127.0.0.1']]) {
      const { lookup } = namesOf(addresses);
      const error = await mcpErrorOf(openConnection(guarded(target, 'mcp.example', { lookup })));
      expect(error).toMatchObject({ kind: 'not_allowed', sent: false, data: { rule: 'loopback' } });
      expect(error.message).not.toContain('127.0.0.1');
    }
    expect(watched.count()).toBe(0);
  });

  it('is connected to where the policy allows it', async () => {
    const server = await open({ label: 'here' });
    const { lookup } = namesOf(['127.0.0.1']);
    const policy = policyOf({ hosts: ['mcp.internal'] });
    const target = guarded(targetOf(server.url), 'mcp.internal', { policy, lookup });
    const connection = await openConnection(target);
    expect(await connection.listTools()).not.toHaveLength(0);
  });

  it('goes through no proxy that the policy does not name [C10]', async () => {
    const [http, socks] = [await openProxy(), await openSocksProxy()];
    const server = await open();
    const policy = policyOf({ loopback: true });
    for (const proxyUrl of [http.url, `socks5://127.0.0.1:${String(socks.port)}`]) {
      const target = { ...guarded(targetOf(server.url), '127.0.0.1', { policy }), proxyUrl };
      const error = await mcpErrorOf(openConnection(target));
      expect(error).toMatchObject({ kind: 'not_allowed', data: { rule: 'proxy' } });
      const named = policyOf({ loopback: true, hosts: ['127.0.0.1'] });
      const allowed = guarded(targetOf(server.url), '127.0.0.1', { policy: named });
      await openConnection({ ...allowed, proxyUrl });
    }
    expect(http.targets.length).toBeGreaterThan(0);
    const named = policyOf({ hosts: ['127.0.0.1'] });
    const away = guarded(targetOf(server.url), '169.254.169.254', { policy: named });
    const error = await mcpErrorOf(openConnection({ ...away, proxyUrl: http.url }));
    expect(error).toMatchObject({ kind: 'not_allowed', data: { rule: 'metadata' } });
  });
});

describe('a private server over HTTP', () => {
  it('is checked again with every reconnect, at the address that it then has [C10]', async () => {
    const server = await openHttpServer();
    const names = namesOf(['127.0.0.1']);
    const { lookup } = names;
    const policy = policyOf({ networks: ['127.0.0.1'] });
    const target = { kind: 'streamable_http', url: server.url, headers: {} } as const;
    const connection = await openConnection(guarded(target, 'mcp.example', { policy, lookup }));
    names.rebind(['169.254.169.254']);
    server.cut();
    const error = await mcpErrorOf(connection.listTools());
    expect(error).toMatchObject({ kind: 'not_allowed', data: { rule: 'metadata' } });
  });

  it('uses no socket that another server opened [C10]', async () => {
    const server = await openHttpServer();
    const connector = createConnector({ name: 'test', version: '1' });
    onTestFinished(() => connector.close());
    const target = { kind: 'streamable_http', url: server.url, headers: {} } as const;
    const shared = await connector.connect(target);
    onTestFinished(() => shared.close());
    const guard = createAddressGuard([SAFE_POLICY]);
    const error = await mcpErrorOf(connector.connect({ ...target, guard }));
    expect(error.kind).toBe('not_allowed');
    expect(server.opened).toBe(1);
  });

  it.each(['streamable_http', 'sse'] as const)(
    'does not follow a redirect to a refused address over %s [C10]',
    async (kind) => {
      const secret = await listening(createServer((_, response) => response.end('{}')));
      const away = `http://127.0.0.1:${String(secret.port)}/latest/meta-data/`;
      const front = await listening(
        createServer((_, response) => response.writeHead(307, { location: away }).end()),
        '127.0.0.2',
      );
      const policy = policyOf({ networks: ['127.0.0.2'] });
      const url = `http://127.0.0.2:${String(front.port)}/mcp`;
      const guard = createAddressGuard([policy]);
      await mcpErrorOf(openConnection({ kind, url, headers: {}, guard }));
      expect(front.count()).toBeGreaterThan(0);
      expect(secret.count()).toBe(0);
    },
  );

  it('is a process only where that is allowed', async () => {
    const { kind, command, args } = nodeServer(['-e', 'process.exit(3)']);
    const target = { kind, command, args, env: {}, stderr: 'ignore' } as const;
    const refused = { ...target, guard: createAddressGuard([SAFE_POLICY]) };
    expect(await mcpErrorOf(openConnection(refused))).toMatchObject({
      kind: 'not_allowed',
      data: { rule: 'stdio' },
    });
    const allowed = { ...target, guard: createAddressGuard([policyOf({ privateStdio: true })]) };
    expect((await mcpErrorOf(openConnection(allowed))).kind).toBe('connect_failed');
  });

  it('has to be allowed by each of several policies', async () => {
    const server = await openHttpServer();
    const open = policyOf({ loopback: true });
    const target = { kind: 'streamable_http', url: server.url, headers: {} } as const;
    await openConnection({ ...target, guard: createAddressGuard([open, open]) });
    const guard = createAddressGuard([open, SAFE_POLICY]);
    expect((await mcpErrorOf(openConnection({ ...target, guard }))).kind).toBe('not_allowed');
  });
});

describe('an inspection of a private server', () => {
  it('reaches no refused address, by its name or for its metadata [C10]', async () => {
    const watched = await listening(createServer((_, response) => response.writeHead(401).end()));
    const { lookup } = namesOf(['127.0.0.1']);
    const connector = createConnector({ name: 'test', version: '1' });
    const inspector = createInspector({ connector, environment: {}, lookup });
    onTestFinished(() => inspector.close());
    for (const kind of ['streamable_http', 'sse', 'websocket'] as const) {
      const scheme = kind === 'websocket' ? 'ws' : 'http';
      const url = `${scheme}://mcp.example:${String(watched.port)}/`;
      const transport = { kind, url, headers: {} };
      expect(await inspect(inspector, transport, { policy: SAFE_POLICY })).toMatchObject({
        kind: 'failed',
        reason: 'TRANSPORT_NOT_ALLOWED',
      });
    }
    expect(watched.count()).toBe(0);
  });
});
