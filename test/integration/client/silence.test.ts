import { describe, expect, it, onTestFinished } from 'vitest';
import { Tier } from '../../../generated/switchboard/v1/server.js';
import { openNode, soon, type TestNode } from '../../support/control-plane/node.js';
import { startControlPlane, type ControlPlane } from '../../support/control-plane/control-plane.js';
import { httpSpec } from '../../support/grpc-admin/grpc-admin.js';
import { startTcpProxy, type TcpProxy } from '../../support/network/tcp-proxy.js';

interface Network {
  readonly plane: ControlPlane;
  readonly proxy: TcpProxy;
}

/** A control plane with short heartbeats behind a network of ours. */
async function startNetwork(): Promise<Network> {
  const plane = await startControlPlane({ flags: { heartbeatInterval: '500ms' } });
  const proxy = await startTcpProxy(plane.address);
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  return { plane, proxy };
}

/** Creates a server, and waits until the node knows it. */
async function expectFollows(
  { client }: TestNode,
  { admin }: ControlPlane,
  name: string,
): Promise<void> {
  const spec = httpSpec('https://one.example/mcp');
  await admin.create({ server: { name, tier: Tier.TIER_APP, spec } });
  await soon(() => expect(client.app.servers.get(name)?.name).toBe(name));
}

describe('a client behind a network that fails', () => {
  it('knows that it is stale when nothing comes any more, and recovers [W10, W11]', async () => {
    const { plane, proxy } = await startNetwork();
    const node = openNode(proxy.address);
    await node.client.ready();
    proxy.hold('to-client');
    await node.is('STALE silent');
    proxy.release();
    await node.is('READY synced');
    await expectFollows(node, plane, 'docs');
  });

  it('knows it when nothing gets through either way, and what it knows stays [W11]', async () => {
    const { plane, proxy } = await startNetwork();
    const node = openNode(proxy.address);
    await node.client.ready();
    await expectFollows(node, plane, 'docs');
    proxy.hold('to-client', 'to-server');
    await node.is('STALE silent');
    expect(node.client.app.servers.list().map(({ name }) => name)).toEqual(['docs']);
    proxy.release();
    await node.is('READY synced');
    await expectFollows(node, plane, 'more');
  });

  it('needs no heartbeat to know it when the stream cannot even be opened', async () => {
    const { plane, proxy } = await startNetwork();
    const node = openNode(proxy.address);
    await node.client.ready();
    proxy.hold('to-client', 'to-server');
    await node.is('STALE silent');
    // The next tries reach nobody either, and each is given up in turn.
    const tries = proxy.accepted;
    await soon(() => expect(proxy.accepted).toBeGreaterThan(tries + 1));
    proxy.release();
    await node.is('READY synced');
    await expectFollows(node, plane, 'docs');
  });

  it('takes another connection when the old one is dead without anybody knowing', async () => {
    const { plane, proxy } = await startNetwork();
    const node = openNode(proxy.address);
    await node.client.ready();
    proxy.hold('to-client', 'to-server');
    // What is open stays dead: a firewall has forgotten it.
    proxy.abandon();
    await node.is('STALE silent');
    await node.is('READY synced');
    expect(proxy.accepted).toBe(2);
    await expectFollows(node, plane, 'docs');
  });

  it('is not silent because it is slow', async () => {
    const { plane, proxy } = await startNetwork();
    proxy.delay(300);
    const node = openNode(proxy.address);
    await node.client.ready();
    for (const name of ['a', 'b', 'c']) await expectFollows(node, plane, name);
    expect(node.states()).toEqual(['CONNECTING starting', 'READY synced']);
  });

  it('goes on from where it was cut, wherever in a frame that was [W2, W3, W7]', async () => {
    const { plane, proxy } = await startNetwork();
    const events: string[] = [];
    const node = openNode(proxy.address, {
      onSync: (event) => {
        if (event.type === 'opened') events.push(event.resumed ? 'resumed' : 'opened');
        else if (event.type === 'applied') events.push(`${event.step} ${String(event.changed)}`);
      },
    });
    await node.client.ready();
    for (const bytes of [700, 701, 723, 750, 1_000]) {
      proxy.cutAfter(bytes);
      proxy.cut();
      await expectFollows(node, plane, `cut-at-${String(bytes)}`);
    }
    expect(events.filter((event) => event === 'commit 1')).toHaveLength(5);
    expect(events.filter((event) => event.startsWith('snapshot'))).toEqual(['snapshot 0']);
    expect(events.filter((event) => event === 'resumed').length).toBeGreaterThanOrEqual(5);
  });
});
