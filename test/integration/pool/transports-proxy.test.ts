import { describe, expect, it } from 'vitest';
import { runsToItsEnd } from '../../support/mcp/client-process.js';
import { clientErrorOf, openPool, textOf, until, type TestPool } from '../../support/mcp/pool.js';
import { openProxy } from '../../support/mcp/proxy.js';
import { networkServer, NETWORK_KINDS } from '../../support/mcp/transports.js';
import { openSocksProxy } from '../../support/network/socks-proxy.js';
import { openTlsFront } from '../../support/network/tls-front.js';

describe.each(NETWORK_KINDS)('a proxy before a server over $kind', ({ kind, open }) => {
  const poolThrough = (proxyUrl: string, url: string, timeouts = {}): TestPool =>
    openPool([{ name: 'one', spec: { transport: networkServer(kind, url), proxyUrl, timeouts } }], {
      env: { SECRET: 'word', PROXY: 'ftp://h:1' },
    });

  it('of http tunnels, with its credentials', async () => {
    const [server, proxy] = [await open({ label: 'behind' }), await openProxy()];
    const { pool } = poolThrough(proxy.url.replace('//', '//me:${env:SECRET}@'), server.url);
    expect(textOf(await pool.app.callTool('one', { name: 'label' }))).toBe('behind');
    const basic = `Basic ${Buffer.from('me:word').toString('base64')}`;
    expect(new Set(proxy.targets)).toEqual(new Set([`${basic} ${new URL(server.url).host}`]));
  });

  it.each([
    [
      'socks5 with credentials',
      'socks5://me:${env:SECRET}@',
      { credentials: 'me:word' },
      '5 me:word',
    ],
    ['socks5', 'socks5://', {}, '5 '],
    ['socks4', 'socks4://', {}, '4 '],
  ])('of %s tunnels', async (_title, before, options, seen) => {
    const [server, proxy] = [await open({ label: 'behind' }), await openSocksProxy(options)];
    const { pool } = poolThrough(`${before}127.0.0.1:${String(proxy.port)}`, server.url);
    expect(textOf(await pool.app.callTool('one', { name: 'label' }))).toBe('behind');
    expect(new Set(proxy.targets)).toEqual(new Set([`${seen} ${new URL(server.url).host}`]));
    await pool.close();
    await until(() => proxy.open === 0);
  });

  it('looks up the name of the server', async () => {
    const [server, proxy] = [await open({ label: 'behind' }), await openSocksProxy()];
    const named = server.url.replace('127.0.0.1', 'localhost');
    const { pool } = poolThrough(`socks5://127.0.0.1:${String(proxy.port)}`, named);
    expect(textOf(await pool.app.callTool('one', { name: 'label' }))).toBe('behind');
    expect(new Set(proxy.targets)).toEqual(new Set([`5  ${new URL(named).host}`]));
  });

  it.each([
    ['socks5 that refuses', { refuses: true }, 'socks5://'],
    ['socks4 that refuses', { refuses: true }, 'socks4://'],
    ['socks5 that wants other credentials', { credentials: 'a:b' }, 'socks5://me:word@'],
  ])('of %s is a typed error, without its password', async (_title, options, before) => {
    const [server, proxy] = [await open(), await openSocksProxy(options)];
    const { pool } = poolThrough(`${before}127.0.0.1:${String(proxy.port)}`, server.url);
    const error = await clientErrorOf(pool.app.get('one'));
    expect([error.reason, error.sent]).toEqual(['CONNECT_FAILED', false]);
    expect(JSON.stringify([error, causesOf(error)])).not.toContain('word');
    expect(server.opened).toBe(0);
    await until(() => proxy.open === 0);
  });

  it('of http that refuses is a typed error with its status', async () => {
    const [server, proxy] = [await open(), await openProxy({ refuses: 407 })];
    const error = await clientErrorOf(poolThrough(proxy.url, server.url).pool.app.get('one'));
    expect([error.reason, error.metadata['status']]).toEqual(['CONNECT_FAILED', '407']);
    expect(server.opened).toBe(0);
  });

  it('that is not there is a typed error, and nobody goes around it', async () => {
    const server = await open();
    for (const proxyUrl of ['http://127.0.0.1:1', 'socks5://127.0.0.1:1']) {
      const error = await clientErrorOf(poolThrough(proxyUrl, server.url).pool.app.get('one'));
      expect([error.reason, error.sent]).toEqual(['CONNECT_FAILED', false]);
    }
    expect(server.opened).toBe(0);
  });

  it.each(['http', 'socks5', 'socks4'])(
    'of %s that says nothing leaves nothing',
    async (scheme) => {
      const [server, proxy] = [await open(), await openSocksProxy({ mute: true })];
      const proxyUrl = `${scheme}://127.0.0.1:${String(proxy.port)}`;
      const { pool } = poolThrough(proxyUrl, server.url, { connectMs: 150 });
      expect((await clientErrorOf(pool.app.get('one'))).reason).toBe('CONNECT_TIMEOUT');
      await until(() => proxy.open === 0);
    },
  );

  it('of another kind is not supported', async () => {
    const server = await open();
    const error = await clientErrorOf(poolThrough('${env:PROXY}', server.url).pool.app.get('one'));
    expect([error.reason, error.message]).toEqual([
      'UNSUPPORTED_TRANSPORT',
      expect.not.stringContaining('word'),
    ]);
    expect(server.opened).toBe(0);
  });

  it.each(['http', 'socks5'])('of %s tunnels TLS to the name of the server', async (scheme) => {
    const server = await open();
    const { host, caFile } = await openTlsFront(new URL(server.url).host);
    const url = new URL(server.url.replace(/^(http|ws)/, '$1s'));
    url.host = host;
    const socks = await openSocksProxy();
    const proxyUrl =
      scheme === 'http' ? (await openProxy()).url : `socks5://127.0.0.1:${String(socks.port)}`;
    const client = await runsToItsEnd({ kind, url: url.href, proxyUrl }, { caFile });
    expect(await client.end()).toEqual({ code: 0, said: 'me' });
  });
});

/** Whatever hangs below an error, which people may log. */
function causesOf(error: unknown): unknown[] {
  const found: unknown[] = [];
  for (let at = error; at instanceof Error; at = at.cause) {
    found.push([at.message, Object.entries(at)]);
  }
  return found;
}
