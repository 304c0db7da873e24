import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { View } from '../../generated/switchboard/v1/common.js';
import { Tier } from '../../generated/switchboard/v1/server.js';
import {
  APP,
  declare,
  declarePrivate,
  httpSpec,
  newTenant,
  toRefusal,
  userView,
  type Admin,
} from '../support/grpc-admin/grpc-admin.js';
import { startLocalServer, type LocalServer } from '../support/grpc-admin/server.js';
import { createNodeFollower, type NodeFollower } from '../support/grpc-admin/sync.js';
import { temporaryFolder } from '../support/storage/lmdb.js';

let local: LocalServer;
let admin: Admin;

beforeAll(async () => {
  local = await startLocalServer({ flags: ['--heartbeat-interval', '100ms'] });
  ({ admin } = local);
});
afterAll(() => local[Symbol.asyncDispose]());
afterEach(() => expect(local.defects()).toEqual([]));

async function openNode(
  tenant: string,
  views: Readonly<Record<string, View>>,
): Promise<NodeFollower> {
  const node = createNodeFollower(new Map(Object.entries(views)), { nodeId: 'n1', tenant });
  node.open(admin);
  onTestFinished(() => {
    node.close();
    expect(node.faults).toEqual([]);
  });
  await node.until(() => Object.keys(views).every((id) => node.visible.has(id)));
  return node;
}

/** The names that it holds, each with the subscriptions that see it if it is private. */
function holdings({ records }: NodeFollower): string[] {
  return [...records.values()]
    .map(({ server, sights }) => {
      const by = sights.map(({ subscriptionId, owned }) => `${subscriptionId}${owned ? '!' : ''}`);
      return by.length === 0 ? server.name : `${server.name} (${by.toSorted().join()})`;
    })
    .sort();
}

function subscribe(node: NodeFollower, subscriptionId: string, view: View): Promise<void> {
  node.send({ $case: 'subscribe', value: { subscriptionId, view } });
  return node.until(() => node.visible.has(subscriptionId));
}

describe('Sync', () => {
  it('sends records once, with the subscriptions that see them [P19, P20, D34]', async () => {
    const tenant = newTenant();
    await declare(admin, tenant, { name: 'app' });
    await declare(admin, tenant, { name: 'user', tier: Tier.TIER_USER });
    await declarePrivate(admin, tenant, { owner: 'ana', name: 'own' });
    await declarePrivate(admin, tenant, { owner: 'bob', name: 'own' });
    const node = await openNode(tenant, { app: APP });
    expect(holdings(node)).toEqual(['app']);
    await subscribe(node, 'ana', userView('ana'));
    expect(holdings(node)).toEqual(['app', 'own (ana!)', 'user']);
    await subscribe(node, 'ana-again', userView('ana', ['g']));
    expect(holdings(node)).toEqual(['app', 'own (ana!,ana-again!)', 'user']);
    await subscribe(node, 'bob', userView('bob'));
    expect(holdings(node)).toEqual(['app', 'own (ana!,ana-again!)', 'own (bob!)', 'user']);

    node.send({ $case: 'unsubscribe', value: { subscriptionId: 'ana' } });
    node.send({ $case: 'unsubscribe', value: { subscriptionId: 'bob' } });
    await node.until(() => node.records.size === 3);
    expect(holdings(node)).toEqual(['app', 'own (ana-again!)', 'user']);
    expect(node.resets).toEqual([]);
  });

  it('follows every change of what it sees, and hears of nothing else [W1, W3, R7]', async () => {
    const tenant = newTenant();
    const node = await openNode(tenant, { ana: userView('ana') });
    const server = await declare(admin, tenant, { name: 'tools' });
    const own = await declarePrivate(admin, tenant, { owner: 'ana', name: 'own' });
    const bobs = await declarePrivate(admin, tenant, { owner: 'bob', name: 'bobs' });
    await node.reached(3);
    expect(holdings(node)).toEqual(['own (ana!)', 'tools']);
    expect(node.commits).toBe(2);
    // His becomes hers, and hers becomes his.
    await admin.update({ tenant, server: { id: bobs.id, etag: bobs.etag, owner: 'ana' } });
    await admin.update({ tenant, server: { id: own.id, etag: own.etag, owner: 'bob' } });
    await admin.remove({ tenant, id: server.id, etag: server.etag });
    await node.reached(6);
    expect(holdings(node)).toEqual(['bobs (ana!)']);
    expect(node.commits).toBe(5);
  });

  it('a view takes the place of another under its id in one step [P18]', async () => {
    const tenant = newTenant();
    await declarePrivate(admin, tenant, { owner: 'ana', name: 'of-ana' });
    await declarePrivate(admin, tenant, { owner: 'bob', name: 'of-bob' });
    const node = await openNode(tenant, { s: userView('ana') });
    expect(holdings(node)).toEqual(['of-ana (s!)']);
    const digest = node.visible.get('s');
    node.send({ $case: 'subscribe', value: { subscriptionId: 's', view: userView('bob') } });
    await node.until(() => node.visible.get('s') !== digest);
    expect(holdings(node)).toEqual(['of-bob (s!)']);
  });

  it('names what the node holds already [W14]', async () => {
    const tenant = newTenant();
    const own = await declarePrivate(admin, tenant, { owner: 'ana', name: 'own' });
    const views = new Map([['ana', userView('ana')]]);
    const node = createNodeFollower(views, { nodeId: 'n1', tenant });
    node.open(admin);
    await node.reached(1);
    node.close();
    await node.ended;
    await declarePrivate(admin, tenant, { owner: 'ana', name: 'new' });
    // Another view under the id: the stream cannot resume, but has most of it.
    views.set('ana', userView('ana', ['g']));
    node.open(admin, [own]);
    await node.reached(2);
    expect([node.resets, node.unchanged]).toEqual([['VIEW_DIFFERS'], 1]);
    expect(holdings(node)).toEqual(['new (ana!)', 'own (ana!)']);
    expect(node.faults).toEqual([]);
    node.close();
  });

  it('resumes across a restart, with the views that it had [W7]', async () => {
    const folder = await temporaryFolder();
    onTestFinished(() => folder.remove());
    const views = new Map([
      ['ana', userView('ana')],
      ['app', APP],
    ]);
    const node = createNodeFollower(views, { nodeId: 'n1' });
    {
      await using first = await startLocalServer({ dataDir: folder.path });
      await declarePrivate(first.admin, 'default', { owner: 'ana', name: 'own' });
      node.open(first.admin);
      await node.reached(1);
      expect(node.resumed).toBe(false);
      await declare(first.admin, 'default', { name: 'tools' });
      await node.reached(2);
      node.close();
      await node.ended;
      await declare(first.admin, 'default', { name: 'more' });
    }
    await using second = await startLocalServer({ dataDir: folder.path });
    node.open(second.admin);
    await declare(second.admin, 'default', { name: 'last' });
    await node.reached(4);
    expect(node.resumed).toBe(true);
    expect(holdings(node)).toEqual(['last', 'more', 'own (ana!)', 'tools']);
    expect({ resets: node.resets, faults: node.faults }).toEqual({ resets: [], faults: [] });
    node.close();
  });

  it('is reset if a view is not the one that the token was for [W8, W14, P16]', async () => {
    const tenant = newTenant();
    await declarePrivate(admin, tenant, { owner: 'bob', name: 'of-bob' });
    const views = new Map([['s', userView('ana')]]);
    const node = createNodeFollower(views, { nodeId: 'n1', tenant });
    node.open(admin);
    await node.until(() => node.visible.has('s'));
    node.close();
    await node.ended;
    views.set('s', userView('bob'));
    node.open(admin);
    await node.until(() => node.resets.length > 0 && node.records.size > 0);
    expect([node.resets, node.resumed, holdings(node)]).toEqual([
      ['VIEW_DIFFERS'],
      false,
      ['of-bob (s!)'],
    ]);
    expect(node.faults).toEqual([]);
    node.close();
  });

  it('resumes the views that fit; another under the same id keeps nothing of the old one [W7, W9, P16]', async () => {
    const tenant = newTenant();
    await declarePrivate(admin, tenant, { owner: 'ana', name: 'of-ana' });
    await declarePrivate(admin, tenant, { owner: 'bob', name: 'of-bob' });
    await declarePrivate(admin, tenant, { owner: 'eve', name: 'of-eve' });
    const views = new Map([
      ['a', userView('ana')],
      ['b', userView('bob')],
    ]);
    const node = createNodeFollower(views, { nodeId: 'n1', tenant });
    node.open(admin);
    await node.until(() => node.visible.size === 2);
    node.close();
    await node.ended;
    views.set('b', userView('eve'));
    node.open(admin);
    await node.until(() => node.resumed === true && node.visible.size === 1);
    await node.until(() => node.visible.size === 2);
    expect(holdings(node)).toEqual(['of-ana (a!)', 'of-eve (b!)']);
    expect({ resets: node.resets, faults: node.faults }).toEqual({ resets: [], faults: [] });
    node.close();
  });

  it('refuses a view beyond the limit, and the others go on [C7]', async () => {
    await using small = await startLocalServer({ flags: ['--max-subscriptions', '2'] });
    const views = new Map(['a', 'b', 'c'].map((user) => [user, userView(user)]));
    const node = createNodeFollower(views, { nodeId: 'n1' });
    node.open(small.admin);
    await node.until(() => node.visible.size === 2);
    expect(node.refused).toHaveLength(1);
    await declare(small.admin, 'default', { name: 'tools', spec: httpSpec('https://a.example') });
    await node.reached(1);
    node.close();
    expect(toRefusal(await node.ended).code).toBe('CANCELLED');
  });
});
