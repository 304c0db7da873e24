import { rm } from 'node:fs/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Tier, type Server } from '../../generated/switchboard/v1/server.js';
import type { PoolEvent } from '../../src/client/pool/pool-event.js';
import type { SyncEvent } from '../../src/client/sync-event.js';
import { openCommitWriter } from '../support/control-plane/commits.js';
import { openNode, soon, type TestNode } from '../support/control-plane/node.js';
import { testFolder } from '../support/control-plane/control-plane.js';
import { httpSpec, openAdmin, serverOf, type Admin } from '../support/grpc-admin/grpc-admin.js';
import { openHttpServer, textOf } from '../support/mcp/pool.js';
import { startServerProcess, type ServerProcess } from '../support/processes/server-process.js';
import { creation, draftOf, changeOf, recordOf } from '../support/storage/builders.js';

interface Plane {
  readonly dataDir: string;
  readonly address: string;
  readonly admin: Admin;
  kill(): Promise<void>;
  startAgain(): Promise<void>;
}

/** A control plane in a process of its own that can be killed and started again. */
async function startPlane(): Promise<Plane> {
  const dataDir = await testFolder();
  const start = async (...more: string[]): Promise<ServerProcess> => {
    const started = await startServerProcess('--data-dir', dataDir, ...more);
    onTestFinished(() => started[Symbol.asyncDispose]());
    return started;
  };
  let running = await start();
  const { address } = running;
  const admin = openAdmin(address);
  onTestFinished(() => {
    admin.close();
  });
  return {
    dataDir,
    address,
    admin,
    kill: async () => {
      running.kill('SIGKILL');
      await running.exited;
    },
    startAgain: async () => {
      running = await start('--listen', address);
    },
  };
}

/** A node that counts. */
function openCounting(address: string): TestNode & {
  readonly sync: readonly SyncEvent[];
  readonly pool: readonly PoolEvent[];
  steps(): readonly string[];
} {
  const sync: SyncEvent[] = [];
  const pool: PoolEvent[] = [];
  const node = openNode(address, {
    onSync: (event) => sync.push(event),
    onEvent: (event) => pool.push(event),
  });
  const steps = (): string[] =>
    sync.map((event) => {
      if (event.type === 'opened') return event.resumed ? 'resumed' : 'opened';
      if (event.type === 'applied') return event.step;
      return event.type === 'reset' ? `reset ${event.reason}` : event.type;
    });
  return { ...node, sync, pool, steps };
}

const connects = (events: readonly PoolEvent[]): number =>
  events.filter(({ type }) => type === 'connected').length;

async function createServer(
  admin: Admin,
  name: string,
  url = 'https://one.example/mcp',
): Promise<Server> {
  const server = { name, tier: Tier.TIER_APP, spec: httpSpec(url) };
  return serverOf(await admin.create({ server }));
}

describe('a client, when the control plane is killed with SIGKILL', () => {
  it('goes on from where it was, with what changed meanwhile once and in order [W1, W2, W3, W7, F1]', async () => {
    const { dataDir, address, admin, kill, startAgain } = await startPlane();
    const mcp = await openHttpServer({ label: 'still there' });
    const node = openCounting(address);
    const ana = await node.client.user('ana');
    await createServer(admin, 'docs', mcp.url);
    await soon(() => expect(ana.servers.get('docs')?.name).toBe('docs'));
    await ana.connections.get('docs');
    await kill();
    await node.is('STALE disconnected');
    // It serves from what it knows.
    const label = await ana.connections.callTool('docs', { name: 'label' });
    expect(textOf(label)).toBe('still there');
    // What another replica writes meanwhile: a server that comes and goes, and ten that stay.
    const writer = await openCommitWriter(dataDir);
    const record = (revision: number): ReturnType<typeof recordOf> =>
      recordOf({ id: 'gone', tier: 'APP', revision });
    await writer.append((revision) => draftOf(changeOf(undefined, record(revision))));
    await writer.append((revision) => draftOf(changeOf(record(revision - 1), undefined)));
    for (let n = 0; n < 10; n += 1)
      await writer.append((revision) =>
        creation({ id: `new-${String(n)}`, tier: 'APP', revision }),
      );
    await writer.close();

    const before = node.steps().length;
    const seen: string[] = [];
    await startAgain();
    await node.is('READY synced');
    seen.push(...node.steps().slice(before));
    expect(seen).toEqual(['resumed', ...Array.from({ length: 12 }, () => 'commit')]);
    expect(ana.servers.list().map(({ name }) => name)).toEqual([
      'docs',
      ...Array.from({ length: 10 }, (_, n) => `new-${String(n)}`),
    ]);
    // Nothing reconnected, and changes go on.
    expect(textOf(await ana.connections.callTool('docs', { name: 'label' }))).toBe('still there');
    expect(connects(node.pool)).toBe(1);
    await createServer(admin, 'after');
    await soon(() => expect(ana.servers.get('after')?.name).toBe('after'));
  });

  it('loses and doubles nothing over many kills [W2, W3, W7]', async () => {
    const { address, admin, kill, startAgain } = await startPlane();
    const node = openCounting(address);
    await node.client.ready();
    const names: string[] = [];
    for (let round = 0; round < 5; round += 1) {
      for (const letter of ['a', 'b', 'c']) {
        const { name } = await createServer(admin, `${letter}${String(round)}`);
        names.push(name);
      }
      // Acknowledged, but perhaps not delivered yet.
      await kill();
      await startAgain();
      await node.is('READY synced');
    }
    await soon(() =>
      expect(node.client.app.servers.list().map(({ name }) => name)).toEqual(names.sort()),
    );
    const steps = node.steps();
    expect(steps.filter((step) => step === 'commit')).toHaveLength(names.length);
    expect(steps.filter((step) => step === 'snapshot')).toHaveLength(1);
    expect(steps.filter((step) => step === 'resumed').length).toBeGreaterThanOrEqual(5);
  });
});

describe('a client, when the data of the control plane are others', () => {
  it('is told so, takes the new state whole, and keeps connections of equal configs [W8, W14, R4]', async () => {
    const { dataDir, address, admin, kill, startAgain } = await startPlane();
    const [same, moved, lost] = await Promise.all([
      openHttpServer(),
      openHttpServer(),
      openHttpServer(),
    ]);
    const node = openCounting(address);
    const ana = await node.client.user('ana');
    const created = await Promise.all([
      createServer(admin, 'same', same.url),
      createServer(admin, 'moved', moved.url),
      createServer(admin, 'lost', lost.url),
    ]);
    await soon(() => expect(ana.servers.list()).toHaveLength(3));
    for (const { error } of await ana.connections.getAll()) expect(error).toBeUndefined();
    expect(connects(node.pool)).toBe(3);
    await kill();
    await rm(dataDir, { recursive: true });
    // Another history, as from a backup: the same servers, one with another address, one missing.
    const writer = await openCommitWriter(dataDir);
    const target = await openHttpServer({ label: 'moved' });
    const urls = [same.url, target.url];
    for (const [index, url] of urls.entries()) {
      const { id = '', name = '' } = created[index] ?? {};
      const transport = { kind: 'streamable_http' as const, url, headers: {} };
      await writer.append((revision) =>
        creation({ id, name, tier: 'APP', revision, spec: { transport } }),
      );
    }
    await writer.close();

    const before = node.steps().length;
    await startAgain();
    await node.is('READY synced');
    expect(node.steps().slice(before)).toEqual(['opened', 'reset epoch_changed', 'snapshot']);
    expect(
      ana.servers
        .list()
        .map(({ id }) => id)
        .sort(),
    ).toEqual(
      created
        .slice(0, 2)
        .map(({ id }) => id)
        .sort(),
    );
    await soon(() => expect([moved.alive, lost.alive]).toEqual([0, 0]));
    await ana.connections.get('same');
    expect(textOf(await ana.connections.callTool('moved', { name: 'label' }))).toBe('moved');
    expect(same.opened).toBe(1);
    expect(connects(node.pool)).toBe(4);
  });
});
