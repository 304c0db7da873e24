import { describe, expect, it } from 'vitest';
import { OauthNeed, Tier } from '../../generated/switchboard/v1/server.js';
import type { PoolEvent } from '../../src/client/pool/pool-event.js';
import type { SwitchboardOptions } from '../../src/client/open-switchboard.js';
import type { SyncEvent } from '../../src/client/sync-event.js';
import { openNode, soon } from '../support/control-plane/node.js';
import { startControlPlane } from '../support/control-plane/control-plane.js';
import {
  byId,
  declare,
  declarePrivate,
  httpSpec,
  INVENTORY,
  newestRevision,
  openAdmin,
  serverOf,
  stdioSpec,
  type Admin,
} from '../support/grpc-admin/grpc-admin.js';
import {
  asRole,
  inspectServer,
  observationOf,
  recordFacts,
  roleTokens,
  tokenOfRole,
} from '../support/inspection/grpc.js';
import { closedGate, openHttpServer, textOf } from '../support/mcp/pool.js';
import { EVERYTHING } from '../support/mcp/specs.js';
import { openOddServer } from '../support/mcp/odd-server.js';

const TENANT = 'default';

/** A node that reports, with all that it tells. */
function openReporting(address: string, options: Partial<SwitchboardOptions> = {}) {
  const sync: SyncEvent[] = [];
  const pool: PoolEvent[] = [];
  const { client } = openNode(address, {
    nodeId: 'node-1',
    reportFacts: true,
    onSync: (event) => sync.push(event),
    onEvent: (event) => pool.push(event),
    ...options,
  });
  return { client, sync, pool };
}

async function factsOf(admin: Admin, id: string) {
  return serverOf(await admin.get({ view: INVENTORY, key: byId(id) })).facts;
}

function everything() {
  const spec = stdioSpec(process.execPath);
  if (spec.transport?.$case === 'stdio') spec.transport.value.args = [EVERYTHING, 'stdio'];
  return spec;
}

describe('a node', () => {
  it('tells what it learned of a process that it runs anyway, and others see it', async () => {
    const { address, admin } = await startControlPlane({ flags: { inspect: true } });
    const created = await declare(admin, TENANT, { name: 'local', spec: everything() });
    const { client } = openReporting(address);
    await client.ready();
    await client.app.connections.get('local');
    const other = openNode(address).client;
    await other.ready();
    const known = await soon(() => {
      const server = other.app.servers.get('local');
      expect(server?.facts?.observation).toBeDefined();
      return server;
    });
    expect(known?.facts?.observation).toMatchObject({
      observedBy: 'node-1',
      configHash: created.configHash,
      protocolEra: 'legacy',
    });
    expect(known?.facts?.observation?.tools.length).toBeGreaterThan(5);
    expect(known?.etag).toBe(created.etag);
    expect((await factsOf(admin, created.id))?.oauthNeed).toBe(OauthNeed.OAUTH_NEED_UNSPECIFIED);
  });

  it('keeps its connections when facts change [C2]', async () => {
    const mcp = await openHttpServer();
    const { address, admin } = await startControlPlane();
    const created = await declare(admin, TENANT, { name: 'docs', spec: httpSpec(mcp.url) });
    const { client, pool } = openReporting(address, { reportFacts: false });
    await client.ready();
    const connection = await client.app.connections.get('docs');
    const changed = serverOf(await inspectServer(admin, { id: created.id }));
    await soon(() => expect(client.app.servers.get('docs')?.factsEtag).toBe(changed.factsEtag));
    const again = await client.app.connections.get('docs');
    expect(again.connectedAt).toBe(connection.connectedAt);
    expect(connection.state).toBe('live');
    expect(pool.map(({ type }) => type)).toEqual(['connecting', 'connected']);
    expect(textOf(await again.callTool({ name: 'echo', arguments: { text: 'hi' } }))).toBe('hi');
    expect(mcp.opened).toBe(2);
  });

  it('tells nothing that is known already', async () => {
    const mcp = await openHttpServer();
    const { address, admin } = await startControlPlane();
    const known = await declare(admin, TENANT, { name: 'known', spec: httpSpec(mcp.url) });
    await recordFacts(admin, { id: known.id, observation: observationOf(known.configHash) });
    const unknown = await declare(admin, TENANT, { name: 'unknown', spec: httpSpec(mcp.url) });
    const { client } = openReporting(address);
    await client.ready();
    await client.app.connections.get('known');
    await client.app.connections.get('unknown');
    await soon(async () => expect((await factsOf(admin, unknown.id))?.observation).toBeDefined());
    expect((await factsOf(admin, known.id))?.observation?.serverName).toBe('told');
    // Once for each configuration: connecting again tells nothing more.
    expect(mcp.count('tools/list')).toBe(1);
    await client.app.connections.disconnectAll();
    await client.app.connections.getAll();
    expect(mcp.opened).toBe(4);
    expect(mcp.count('tools/list')).toBe(1);
  });

  it('tells once what it learns from several connections at once', async () => {
    const gate = closedGate();
    const before = (method: string | undefined) =>
      method === 'tools/list' ? gate.opened : undefined;
    const mcp = await openHttpServer({ before });
    const { address, admin } = await startControlPlane();
    const tier = Tier.TIER_USER;
    const created = await declare(admin, TENANT, { tier, name: 'docs', spec: httpSpec(mcp.url) });
    const { client } = openReporting(address);
    for (const user of ['ana', 'ben', 'cleo']) {
      const { connections } = await client.user(user);
      const echo = { name: 'echo', arguments: { text: user } };
      expect(textOf(await connections.callTool('docs', echo))).toBe(user);
    }
    gate.open();
    await soon(async () => expect((await factsOf(admin, created.id))?.observation).toBeDefined());
    expect([mcp.opened, mcp.count('tools/list')]).toEqual([3, 1]);
  });

  it('tells again after a change of the configuration', async () => {
    const mcp = await openHttpServer();
    const { address, admin } = await startControlPlane();
    const created = await declare(admin, TENANT, { name: 'docs', spec: httpSpec(mcp.url) });
    const { client } = openReporting(address);
    await client.ready();
    await client.app.connections.get('docs');
    await soon(async () => expect((await factsOf(admin, created.id))?.observation).toBeDefined());
    const spec = httpSpec(`${mcp.url}?v=2`);
    const changed = serverOf(
      await admin.update({
        server: { ...created, spec },
        updateMask: ['spec.streamable_http.url'],
      }),
    );
    await soon(() => expect(client.app.servers.get('docs')?.configHash).toBe(changed.configHash));
    await client.app.connections.get('docs');
    await soon(async () =>
      expect((await factsOf(admin, created.id))?.observation?.configHash).toBe(changed.configHash),
    );
  });

  it('tells nothing of a connection that carries something of a user [C6]', async () => {
    const [own, header, secret, credentials, plain] = [
      await openHttpServer(),
      await openHttpServer(),
      await openHttpServer(),
      await openHttpServer(),
      await openHttpServer(),
    ];
    const { address, admin } = await startControlPlane();
    const headers = (url: string, value: string) => {
      const spec = httpSpec(url);
      if (spec.transport?.$case === 'streamableHttp') {
        spec.transport.value.headers = new Map([['x-key', value]]);
      }
      return spec;
    };
    const tier = Tier.TIER_USER;
    await declare(admin, TENANT, { tier, name: 'header', spec: headers(header.url, '${user:id}') });
    await declare(admin, TENANT, {
      tier,
      name: 'secret',
      spec: headers(secret.url, '${secret:K}'),
    });
    await declare(admin, TENANT, { tier, name: 'credentials', spec: httpSpec(credentials.url) });
    const shared = await declare(admin, TENANT, { tier, name: 'plain', spec: httpSpec(plain.url) });
    const mine = await declarePrivate(admin, TENANT, {
      owner: 'ana',
      name: 'own',
      spec: httpSpec(own.url),
    });
    const { client } = openReporting(address, {
      userValues: () => ({ user: { id: 'ana' } }),
      secrets: () => 'k',
      credentials: ({ server }) =>
        server.name === 'credentials'
          ? { headers: { authorization: 'Bearer ana' }, revision: '1' }
          : undefined,
    });
    const ana = await client.user('ana');
    const outcomes = await ana.connections.getAll();
    expect(outcomes.filter(({ error }) => error !== undefined)).toEqual([]);
    await soon(async () => {
      expect((await factsOf(admin, shared.id))?.observation?.serverName).toBe('test');
      expect((await factsOf(admin, mine.id))?.observation?.serverName).toBe('test');
    });
    // Those two, and five creations.
    expect(await newestRevision(admin, TENANT)).toBe(7);
    const lists = [header, secret, credentials].map((one) => one.count('tools/list'));
    expect(lists).toEqual([0, 0, 0]);
  });

  it('lends at once while it looks, and what it cannot tell harms nobody', async () => {
    const gate = closedGate();
    const odd = await openOddServer(async (exchange) => {
      if (exchange.rpc?.method !== 'tools/list') return false;
      await gate.opened;
      exchange.response.writeHead(500).end();
      return true;
    });
    const { address, admin } = await startControlPlane();
    const created = await declare(admin, TENANT, { name: 'odd', spec: httpSpec(odd.url) });
    const { client, pool } = openReporting(address);
    await client.ready();
    const connection = await client.app.connections.get('odd');
    await soon(() => expect(odd.seen).toContain('tools/list'));
    gate.open();
    await expect(connection.request({ method: 'no/such' })).rejects.toMatchObject({
      reason: 'CALL_REFUSED',
    });
    expect(connection.state).toBe('live');
    expect(pool.map(({ type }) => type)).toEqual(['connecting', 'connected']);
    expect(await factsOf(admin, created.id)).toBeUndefined();
    await client.close();
  });

  it('stops telling if it may not, and says so once', async () => {
    const mcp = await openHttpServer();
    const tokensFile = await roleTokens();
    const { address } = await startControlPlane({ flags: { tokensFile } });
    using admin = openAdmin(address, asRole('admin'));
    await declare(admin, TENANT, { name: 'one', spec: httpSpec(mcp.url) });
    await declare(admin, TENANT, { name: 'two', spec: httpSpec(mcp.url) });
    const { client, sync } = openReporting(address, { token: tokenOfRole('reader') });
    await client.ready();
    await client.app.connections.get('one');
    const refusals = () => sync.filter(({ type }) => type === 'facts_refused');
    await soon(() => expect(refusals()).toHaveLength(1));
    expect(refusals()[0]).toMatchObject({ error: { reason: 'PERMISSION_DENIED' } });
    const lists = mcp.count('tools/list');
    await client.app.connections.get('two');
    await client.app.connections.disconnectAll();
    await client.app.connections.getAll();
    expect(mcp.opened).toBe(4);
    expect([mcp.count('tools/list'), refusals().length]).toEqual([lists, 1]);
    const node = openReporting(address, { token: tokenOfRole('node') });
    await node.client.ready();
    await node.client.app.connections.get('one');
    await soon(() =>
      expect(client.app.servers.get('one')?.facts?.observation?.observedBy).toBe('node-1'),
    );
    expect(node.sync.map(({ type }) => type)).not.toContain('facts_refused');
  });

  it('tells later what it could not tell at once', async () => {
    const mcp = await openHttpServer();
    const plane = await startControlPlane();
    await declare(plane.admin, TENANT, { name: 'docs', spec: httpSpec(mcp.url) });
    const { client } = openReporting(plane.address);
    await client.ready();
    await plane.close();
    await client.app.connections.get('docs');
    await soon(() => expect(mcp.count('tools/list')).toBe(1));
    const listen = plane.address;
    const again = await startControlPlane({ dataDir: plane.dataDir, flags: { listen } });
    await soon(() => expect(client.status.current.state).toBe('READY'));
    await client.app.connections.disconnectAll();
    await soon(async () => {
      await client.app.connections.disconnectAll();
      await client.app.connections.get('docs');
      expect(client.app.servers.get('docs')?.facts?.observation).toBeDefined();
    });
    expect(await newestRevision(again.admin, TENANT)).toBe(2);
  });
});
