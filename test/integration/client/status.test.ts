import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openNode, soon } from '../../support/control-plane/node.js';
import { startScriptedServer, synced, welcome } from '../../support/control-plane/script.js';
import { startControlPlane, testFolder } from '../../support/control-plane/control-plane.js';
import { clientErrorOf } from '../../support/mcp/pool.js';

const tlsFile = (name: string): string =>
  path.join(import.meta.dirname, '../../support/network/tls', name);

describe('the status of a client', () => {
  it('goes from CONNECTING to READY, to STALE and back, and ends as CLOSED [W11]', async () => {
    const first = await startControlPlane();
    const { client, history, states, is } = openNode(first.address);
    await client.ready();
    await is('READY synced');
    await first.close();
    await is('STALE disconnected');
    // What is known is still answered.
    expect(client.app.servers.list()).toEqual([]);
    await startControlPlane({ dataDir: first.dataDir, flags: { listen: first.address } });
    await is('READY synced');
    await client.close();
    expect(states()).toEqual([
      'CONNECTING starting',
      'READY synced',
      'STALE disconnected',
      'READY synced',
      'CLOSED closed',
    ]);
    expect(history[2]?.error).toMatchObject({ reason: 'SHUTTING_DOWN' });
    expect(history[3]).not.toHaveProperty('error');
  });

  it('is CONNECTING while there is no control plane, and says why [F3]', async () => {
    const gone = await startControlPlane();
    await gone.close();
    const { client, is } = openNode(gone.address);
    await is('CONNECTING disconnected');
    expect(client.status.current.error).toMatchObject({ reason: 'UNREACHABLE' });
    const unknown = expect.objectContaining({ reason: 'VIEW_UNKNOWN' }) as Error;
    expect(() => client.app.servers.list()).toThrow(unknown);
    const ready = client.ready();
    await startControlPlane({ dataDir: gone.dataDir, flags: { listen: gone.address } });
    await ready;
    await is('READY synced');
  });

  it('refuses everything once it is closed', async () => {
    const { address } = await startControlPlane();
    const { client } = openNode(address);
    await client.ready();
    await client.user('ana');
    const waiting = client.user('ben');
    await client.close();
    await client.close();
    for (const late of [waiting, client.ready(), client.user('ana'), client.user('ben')])
      expect((await clientErrorOf(late)).reason).toBe('CLIENT_CLOSED');
  });

  it('tells whoever waits that it was closed', async () => {
    const gone = await startControlPlane();
    await gone.close();
    const { client } = openNode(gone.address);
    const waiting = [client.ready(), client.user('ana')];
    await client.close();
    for (const wait of waiting) expect((await clientErrorOf(wait)).reason).toBe('CLIENT_CLOSED');
  });

  it('goes on trying at its own pace, however often it fails', async () => {
    let tries = 0;
    const dead = createServer((socket) => {
      tries += 1;
      socket.destroy();
    }).listen(0, '127.0.0.1');
    await once(dead, 'listening');
    onTestFinished(() => void dead.close());
    const { port } = dead.address() as AddressInfo;
    openNode(`127.0.0.1:${String(port)}`, { retry: { firstMs: 1, maxMs: 5 } });
    // A channel left to itself would have waited for minutes by now.
    await soon(() => expect(tries).toBeGreaterThan(30));
  });
});

describe('the credentials of a client', () => {
  it('are asked for with each stream', async () => {
    const server = await startScriptedServer((stream, index) => {
      stream.send(welcome(index > 0), synced(1, '1'));
      if (index < 2) stream.end();
    });
    let asked = 0;
    openNode(server.address, { token: () => `token ${String((asked += 1))}` });
    await soon(() => expect(server.streams).toHaveLength(3));
    expect(server.streams.map(({ authorization }) => authorization)).toEqual([
      'Bearer token 1',
      'Bearer token 2',
      'Bearer token 3',
    ]);
  });

  it('that cannot be had are asked for again', async () => {
    const { address } = await startControlPlane();
    const cause = new Error('the vault is sealed');
    let isSealed = true;
    const { client, is } = openNode(address, {
      token: () => (isSealed ? Promise.reject(cause) : Promise.resolve('token')),
    });
    await is('CONNECTING disconnected');
    expect(client.status.current.error).toMatchObject({ reason: 'HOOK_FAILED', cause });
    isSealed = false;
    await client.ready();
  });

  it('that never come do not keep it from asking again, and from being closed', async () => {
    const { address } = await startControlPlane();
    const { client } = openNode(address, { token: () => new Promise<string>(() => undefined) });
    const waiting = client.ready();
    await client.close();
    expect((await clientErrorOf(waiting)).reason).toBe('CLIENT_CLOSED');
  });

  it('open a control plane with TLS and tokens, and only with them', async () => {
    const tokensFile = path.join(await testFolder(), 'tokens.json');
    const token = 'the-token-of-the-nodes';
    const tokens = [{ token, principal: 'node', roles: ['reader'] }];
    await writeFile(tokensFile, JSON.stringify({ tokens }));
    const { address } = await startControlPlane({
      flags: { tokensFile, tlsCert: tlsFile('server.crt'), tlsKey: tlsFile('server.key') },
    });
    const tls = { ca: readFileSync(tlsFile('ca.crt')) };
    const { client } = openNode(address, { tls, token: () => Promise.resolve(token) });
    await client.ready();
    await client.user('ana');

    const wrong = openNode(address, { tls, token: 'not-the-token-of-nodes' });
    await wrong.is('CONNECTING disconnected');
    expect(wrong.client.status.current.error).toMatchObject({ reason: 'UNAUTHENTICATED' });
    const plain = openNode(address, { token });
    await plain.is('CONNECTING disconnected');
    expect(plain.client.status.current.error).toMatchObject({ reason: 'UNREACHABLE' });
    const untrusting = openNode(address, { tls: {}, token });
    await untrusting.is('CONNECTING disconnected');
  });

  it('of TLS belong together', () => {
    const half = { target: '127.0.0.1:1', tls: { cert: Buffer.from('') } };
    expect(() => openNode(half.target, half)).toThrow(
      expect.objectContaining({ reason: 'VALUE_INVALID' }) as Error,
    );
  });
});
