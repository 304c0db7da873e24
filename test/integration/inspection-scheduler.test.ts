import { describe, expect, it } from 'vitest';
import { SwitchboardError } from '../../src/domain/errors.js';
import type { Commit } from '../../src/domain/commit.js';
import { INVENTORY_VIEW } from '../../src/domain/view.js';
import { createConnector } from '../../src/mcp/connector.js';
import { createInspector } from '../../src/mcp/inspector.js';
import { createInspection } from '../../src/services/inspection/create-inspection.js';
import { openMemoryLeases } from '../../src/storage/leases/memory/memory-leases.js';
import type { Catalog } from '../../src/storage/catalog.js';
import { eventually } from '../support/eventually.js';
import { EAGER, inspectingReplica, inspectNow, recordIn } from '../support/inspection/replica.js';
import { answer, openOddServer, tools } from '../support/mcp/odd-server.js';
import { closedGate, openHttpServer, until } from '../support/mcp/pool.js';
import { EVERYTHING, httpServer, nodeServer } from '../support/mcp/specs.js';
import { promote } from '../support/services/access.js';
import { tenantsOf } from '../support/services/tenants.js';
import { create, listed, openWorld, remove, TENANT, update } from '../support/services/world.js';
import { ScriptedLeases } from '../support/storage/scripted-leases.js';
import { withMethods } from '../support/storage/reads.js';
import { OPEN_POLICY } from '../support/transport-policy.js';

async function commitsOf(catalog: Catalog): Promise<readonly Commit[]> {
  return (await catalog.log.read(TENANT, 0, { limitBytes: 64 * 1024 * 1024 })).commits;
}

async function factsCommits(catalog: Catalog): Promise<readonly Commit[]> {
  return (await commitsOf(catalog)).filter(({ cause }) => cause === 'FACTS');
}

const specFor = (url: string) => ({ transport: httpServer(url) });

const movedTo = (url: string) => ({ kind: 'streamable_http' as const, fields: { url } });

/** Longer than a test: only what cancels an inspection ends it. */
const UNHURRIED = { timeoutMs: 60_000 };

describe('a server that is created', () => {
  it('is inspected by itself, and its facts move nothing that people declared', async () => {
    await using world = await openWorld();
    const mcp = await openHttpServer();
    const replica = await inspectingReplica(world);
    const { value: before } = await create(replica, { spec: specFor(mcp.url) });
    const after = await eventually(async () => {
      const record = await recordIn(replica, before.id);
      expect(record.facts?.observation?.serverName).toBe('test');
      return record;
    });
    expect(after.facts).toMatchObject({
      oauthNeed: 'no',
      observation: { configHash: before.configHash, observedBy: 'replica' },
    });
    const { facts: _facts, factsEtag, revision, ...declared } = after;
    const { factsEtag: _etag, revision: _revision, ...declaredBefore } = before;
    expect(declared).toEqual(declaredBefore);
    expect(factsEtag).not.toBe('');
    expect(revision).toBe(before.revision + 1);
    const { value: versions } = await world.catalog.projections.versions(TENANT, {
      id: before.id,
      limit: 9,
    });
    expect(versions).toHaveLength(1);
  });

  it('as a private one is inspected again when it is promoted, as what it is now [D36]', async () => {
    await using world = await openWorld();
    const mcp = await openHttpServer();
    const replica = await inspectingReplica(world);
    const { value: own } = await create(replica, { spec: specFor(mcp.url), owner: 'ana' });
    const { value } = await promote(replica, own, { tier: 'APP' });
    expect(value.record.configHash).not.toBe(own.configHash);
    await eventually(async () => {
      const { facts } = await recordIn(replica, own.id);
      expect(facts?.observation).toMatchObject({
        serverName: 'test',
        configHash: value.record.configHash,
      });
    });
  });

  it('is not inspected when something else about it changes', async () => {
    await using world = await openWorld();
    const mcp = await openHttpServer();
    const replica = await inspectingReplica(world);
    const { value: created } = await create(replica, { spec: specFor(mcp.url) });
    await eventually(async () => expect((await recordIn(replica, created.id)).facts).toBeDefined());
    await update(replica, await recordIn(replica, created.id), { specFields: { title: 'New' } });
    const { value: other } = await create(replica, { spec: specFor(mcp.url) });
    await eventually(async () => expect((await recordIn(replica, other.id)).facts).toBeDefined());
    expect(mcp.opened).toBe(2);
    expect((await recordIn(replica, created.id)).facts?.observation).toBeDefined();
  });

  it('is not inspected while it is disabled', async () => {
    await using world = await openWorld();
    const mcp = await openHttpServer();
    const replica = await inspectingReplica(world);
    const off = await create(replica, { spec: { ...specFor(mcp.url), enabled: false } });
    const on = await create(replica, { spec: specFor(mcp.url) });
    await eventually(async () =>
      expect((await recordIn(replica, on.value.id)).facts).toBeDefined(),
    );
    expect((await recordIn(replica, off.value.id)).facts).toBeUndefined();
    await update(replica, off.value, { specFields: { enabled: true } });
    await eventually(async () =>
      expect((await recordIn(replica, off.value.id)).facts).toBeDefined(),
    );
  });

  it('is left to nodes, without a commit, if only they can inspect it', async () => {
    await using world = await openWorld();
    const mcp = await openHttpServer();
    const replica = await inspectingReplica(world);
    const stdio = await create(replica, { spec: { transport: nodeServer([EVERYTHING]) } });
    const secret = await create(replica, {
      spec: { transport: httpServer(mcp.url, { authorization: '${secret:X}' }) },
    });
    const plain = await create(replica, { spec: specFor(mcp.url) });
    await eventually(async () =>
      expect((await recordIn(replica, plain.value.id)).facts).toBeDefined(),
    );
    expect(await factsCommits(world.catalog)).toHaveLength(1);
    // Who asks is told why, and that is remembered once.
    for (let times = 0; times < 2; times += 1) {
      const [one, two] = [
        await inspectNow(replica, stdio.value.id),
        await inspectNow(replica, secret.value.id),
      ];
      expect(one.facts).toMatchObject({
        oauthNeed: 'unknown',
        failure: { reason: 'STDIO_NOT_ALLOWED', attempts: 1 },
      });
      expect(one.facts?.failure).not.toHaveProperty('nextAttemptTime');
      expect(two.facts?.failure?.reason).toBe('NEEDS_NODE');
    }
    expect(await factsCommits(world.catalog)).toHaveLength(3);
  });

  it('is started here if that is allowed', async () => {
    await using world = await openWorld();
    const replica = await inspectingReplica(world, { stdio: true });
    const transport = nodeServer([EVERYTHING]);
    const { value } = await create(replica, { spec: { transport } });
    await eventually(async () => {
      const { facts } = await recordIn(replica, value.id);
      expect(facts?.observation?.toolCount).toBeGreaterThan(5);
    });
  });
});

describe('a server that is down at the start', () => {
  it('stays listed, says why and when it is tried again, and recovers by itself', async () => {
    await using world = await openWorld();
    const mcp = await openHttpServer();
    await mcp.stop();
    const first = await world.replica();
    const { value } = await create(first, { spec: specFor(mcp.url) });
    const replica = await inspectingReplica(world);
    const failure = await eventually(async () => {
      const { facts } = await recordIn(replica, value.id);
      expect(facts?.failure?.attempts).toBeGreaterThanOrEqual(3);
      return facts?.failure;
    });
    expect(failure).toMatchObject({ reason: 'UNREACHABLE', configHash: value.configHash });
    const waitMs = (failure?.nextAttemptTime ?? 0) - (failure?.failTime ?? 0);
    expect(waitMs).toBeGreaterThanOrEqual(20);
    expect(waitMs).toBeLessThanOrEqual(EAGER.maxMs);
    expect([...(await listed(replica, INVENTORY_VIEW)).keys()]).toEqual([value.id]);
    await mcp.start();
    await eventually(async () => {
      const { facts } = await recordIn(replica, value.id);
      expect(facts?.failure).toBeUndefined();
      expect(facts?.observation?.serverName).toBe('test');
      expect(facts?.oauthNeed).toBe('no');
    });
    // Nothing is tried any more: the log is at rest.
    const { revision } = await world.catalog.log.head(TENANT);
    const { value: other } = await create(replica, { spec: specFor(mcp.url) });
    await eventually(async () => expect((await recordIn(replica, other.id)).facts).toBeDefined());
    expect((await world.catalog.log.head(TENANT)).revision).toBe(revision + 2);
  });

  it('keeps what was observed while it fails', async () => {
    await using world = await openWorld();
    const mcp = await openHttpServer();
    const replica = await inspectingReplica(world, { automatic: false });
    const { value } = await create(replica, { spec: specFor(mcp.url) });
    const good = await inspectNow(replica, value.id);
    await mcp.stop();
    const bad = await inspectNow(replica, value.id);
    expect(bad.facts?.observation).toEqual(good.facts?.observation);
    expect(bad.facts).toMatchObject({ oauthNeed: 'no', failure: { reason: 'UNREACHABLE' } });
    expect(bad.facts?.failure).not.toHaveProperty('nextAttemptTime');
    await mcp.start();
    expect((await inspectNow(replica, value.id)).facts?.failure).toBeUndefined();
  });
});

describe('at the start', () => {
  it('what was never observed is inspected, in all tenants, and nothing else', async () => {
    await using world = await openWorld();
    const [seen, unseen, elsewhere] = [
      await openHttpServer(),
      await openHttpServer(),
      await openHttpServer(),
    ];
    const first = await inspectingReplica(world, { automatic: false });
    const known = await create(first, { spec: specFor(seen.url) });
    await inspectNow(first, known.value.id);
    const unknown = await create(first, { spec: specFor(unseen.url) });
    await create(first, { spec: specFor(elsewhere.url) }, { tenant: 'other' });
    await first.services.close();
    const replica = await inspectingReplica(world);
    await eventually(async () => {
      expect((await recordIn(replica, unknown.value.id)).facts).toBeDefined();
      const { value } = await world.catalog.projections.inventory('other', {
        afterId: '',
        limit: 9,
      });
      expect(value[0]?.record.facts?.observation).toBeDefined();
    });
    expect([seen.opened, unseen.opened, elsewhere.opened]).toEqual([1, 1, 1]);
  });

  it('many servers are inspected, a few at once, and who asks does not wait for them', async () => {
    await using world = await openWorld();
    const mcp = await openHttpServer();
    let now = 0;
    let most = 0;
    const gate = closedGate();
    const odd = await openOddServer(async ({ rpc }) => {
      if (rpc?.method !== 'initialize') return false;
      now += 1;
      most = Math.max(most, now);
      await gate.opened;
      now -= 1;
      return false;
    });
    const first = await world.replica();
    for (let index = 0; index < 30; index += 1) {
      await create(first, { spec: specFor(`${odd.url}?n=${String(index)}`) });
    }
    const replica = await inspectingReplica(world, { concurrency: 3 });
    await until(() => now === 3);
    const { value } = await create(replica, { spec: specFor(mcp.url) });
    expect((await inspectNow(replica, value.id)).facts?.observation).toBeDefined();
    expect(most).toBe(3);
    gate.open();
    await eventually(async () => expect(await factsCommits(world.catalog)).toHaveLength(31));
    expect(most).toBe(3);
    expect(replica.errors).toEqual([]);
  });
});

describe('a configuration that changes during an inspection', () => {
  it('ends it, and is inspected itself', async () => {
    await using world = await openWorld();
    const odd = await openOddServer(({ rpc }) => rpc?.method === 'tools/list');
    const mcp = await openHttpServer();
    const replica = await inspectingReplica(world, UNHURRIED);
    const { value } = await create(replica, { spec: specFor(odd.url) });
    await until(() => odd.seen.includes('tools/list'));
    await update(replica, value, { transport: movedTo(mcp.url) });
    const after = await eventually(async () => {
      const record = await recordIn(replica, value.id);
      expect(record.facts).toBeDefined();
      return record;
    });
    expect(after.facts?.observation).toMatchObject({
      serverName: 'test',
      configHash: after.configHash,
    });
    await until(() => odd.open === 0);
    expect(await factsCommits(world.catalog)).toHaveLength(1);
  });

  it('makes a late result worthless, also where nobody has heard of the change', async () => {
    await using world = await openWorld();
    const gate = closedGate();
    const odd = await openOddServer(async (exchange) => {
      if (exchange.rpc?.method !== 'tools/list') return false;
      await gate.opened;
      return answer(exchange, { tools: tools(1) });
    });
    const mcp = await openHttpServer();
    const other = await world.replica();
    const replica = await inspectingReplica(world, { automatic: false });
    const { value } = await create(replica, { spec: specFor(odd.url) });
    const asked = inspectNow(replica, value.id);
    await until(() => odd.seen.includes('tools/list'));
    await update(other, value, { transport: movedTo(mcp.url) });
    gate.open();
    // Who asked gets what the new configuration is found to be.
    const answered = await asked;
    expect(answered.facts?.observation).toMatchObject({
      serverName: 'test',
      configHash: answered.configHash,
    });
    expect(answered.configHash).not.toBe(value.configHash);
    expect(await factsCommits(world.catalog)).toHaveLength(1);
  });

  it('does not hide the old facts, whose config hash tells that they are old', async () => {
    await using world = await openWorld();
    const mcp = await openHttpServer();
    const replica = await inspectingReplica(world, { automatic: false });
    const { value } = await create(replica, { spec: specFor(mcp.url) });
    const good = await inspectNow(replica, value.id);
    const { value: changed } = await update(replica, good, {
      transport: movedTo(`${mcp.url}?v=2`),
    });
    expect(changed.facts).toEqual(good.facts);
    expect(changed.factsEtag).toBe(good.factsEtag);
    expect(changed.facts?.observation?.configHash).not.toBe(changed.configHash);
  });

  it('that is a deletion ends it', async () => {
    await using world = await openWorld();
    const odd = await openOddServer(({ rpc }) => rpc?.method === 'tools/list');
    const replica = await inspectingReplica(world, UNHURRIED);
    const { value } = await create(replica, { spec: specFor(odd.url) });
    await until(() => odd.seen.includes('tools/list'));
    const asked = inspectNow(replica, value.id);
    await remove(replica, value);
    await expect(asked).rejects.toMatchObject({ reason: 'SERVER_NOT_FOUND' });
    await until(() => odd.open === 0);
    expect(await factsCommits(world.catalog)).toHaveLength(0);
  });
});

describe('two replicas on one folder', () => {
  it('inspect a server once if they share leases', async () => {
    await using world = await openWorld();
    const leases = await openMemoryLeases();
    const gate = closedGate();
    const odd = await openOddServer(async (exchange) => {
      if (exchange.rpc?.method !== 'initialize') return false;
      await gate.opened;
      return false;
    });
    const first = await world.replica();
    const { value } = await create(first, { spec: specFor(odd.url) });
    const a = await inspectingReplica(world, { leases, replicaId: 'a' });
    const b = await inspectingReplica(world, { leases, replicaId: 'b' });
    await until(() => odd.seen.includes('initialize'));
    // The other one waits for the lease by now, or will find the work done.
    gate.open();
    await eventually(async () => {
      for (const replica of [a, b]) {
        expect((await recordIn(replica, value.id)).facts?.observation).toBeDefined();
      }
    });
    const { value: next } = await create(a, { spec: specFor(odd.url) });
    await eventually(async () => expect((await recordIn(b, next.id)).facts).toBeDefined());
    await Promise.all([a.services.close(), b.services.close()]);
    expect(odd.seen.filter((method) => method === 'initialize')).toHaveLength(2);
    expect(await factsCommits(world.catalog)).toHaveLength(2);
    await leases.close();
  });

  it('lose no inspection with its lease: what was begun goes on, and whoever waits gets it', async () => {
    await using world = await openWorld();
    const leases = await ScriptedLeases.open();
    const gate = closedGate();
    const odd = await openOddServer(async (exchange) => {
      if (exchange.rpc?.method !== 'initialize') return false;
      await gate.opened;
      return false;
    });
    const replica = await inspectingReplica(world, { leases, automatic: false });
    const { value } = await create(replica, { spec: specFor(odd.url) });
    const inspected = inspectNow(replica, value.id);
    await until(() => odd.seen.includes('initialize'));
    leases.lose(`inspect/${JSON.stringify([TENANT, value.id])}`);
    gate.open();
    expect((await inspected).facts?.observation).toBeDefined();
    await replica.services.close();
    await leases.close();
  });

  it('have one effect if they do not [F2, R4]', async () => {
    await using world = await openWorld();
    const gate = closedGate();
    const odd = await openOddServer(async ({ rpc }) => {
      if (rpc?.method === 'tools/list') await gate.opened;
      return false;
    });
    const first = await world.replica();
    const { value } = await create(first, { spec: specFor(odd.url) });
    const a = await inspectingReplica(world, { replicaId: 'a' });
    const b = await inspectingReplica(world, { replicaId: 'b' });
    const lists = (): number => odd.seen.filter((method) => method === 'tools/list').length;
    await until(() => lists() === 2);
    gate.open();
    await eventually(async () =>
      expect((await recordIn(a, value.id)).facts?.observation).toBeDefined(),
    );
    // After these, what both began by themselves has ended as well.
    await Promise.all([inspectNow(a, value.id), inspectNow(b, value.id)]);
    expect(await factsCommits(world.catalog)).toHaveLength(1);
  });
});

describe('a tenant that nobody uses', () => {
  it('need not stay open for what is due in it', async () => {
    await using world = await openWorld();
    const mcp = await openHttpServer();
    await mcp.stop();
    const first = await world.replica();
    const { value } = await create(first, { spec: specFor(mcp.url) });
    const { catalog } = world;
    const noting = { steps: 0 };
    const tenants = tenantsOf(world, {
      idleTenants: 0,
      onStep: (tenant, step) => {
        noting.steps += 1;
        inspection.onStep(tenant, step);
      },
    });
    const leases = await openMemoryLeases();
    const connector = createConnector({ name: 'inspector', version: '1.0.0' });
    const inspection = createInspection(
      {
        tenants,
        catalog,
        policy: OPEN_POLICY,
        monotonic: () => 0,
        onBackgroundError: (error) => {
          throw error;
        },
      },
      {
        inspector: createInspector({ connector, environment: {} }),
        leases,
        replicaId: 'replica',
        retry: EAGER,
      },
    );
    await until(() => noting.steps >= 1);
    await eventually(() => {
      tenants.dropIdle();
      expect([...tenants.all()]).toEqual([]);
    });
    const { steps } = noting;
    await until(() => noting.steps > steps);
    await mcp.start();
    await eventually(async () => {
      tenants.dropIdle();
      expect((await recordIn(first, value.id)).facts?.observation).toBeDefined();
    });
    await inspection.close();
    await leases.close();
  });
});

describe('what goes wrong', () => {
  it('ends with the replica: what is under way is cancelled', async () => {
    await using world = await openWorld();
    const odd = await openOddServer(({ rpc }) => rpc?.method === 'tools/list');
    const replica = await inspectingReplica(world, UNHURRIED);
    await create(replica, { spec: specFor(odd.url) });
    await until(() => odd.seen.includes('tools/list'));
    await replica.services.close();
    await until(() => odd.open === 0);
    expect(await factsCommits(world.catalog)).toHaveLength(0);
    expect(replica.errors).toEqual([]);
  });

  it('at the Catalog is tried again: a result is not lost', async () => {
    await using world = await openWorld();
    const mcp = await openHttpServer();
    let failures = 2;
    const broken: Catalog = withMethods(world.catalog, {
      append: (tenant, batch, options) => {
        const isFacts = batch.commits.some(({ cause }) => cause === 'FACTS');
        if (!isFacts || failures === 0) return world.catalog.log.append(tenant, batch, options);
        failures -= 1;
        return Promise.reject(new SwitchboardError('NOT_WRITTEN'));
      },
    });
    const replica = await inspectingReplica(world, {}, { catalog: broken });
    const { value } = await create(replica, { spec: specFor(mcp.url) });
    await eventually(async () =>
      expect((await recordIn(replica, value.id)).facts?.observation).toBeDefined(),
    );
    expect(replica.errors).toHaveLength(2);
    expect(failures).toBe(0);
  });

  it('at the start is tried again', async () => {
    await using world = await openWorld();
    const mcp = await openHttpServer();
    const first = await world.replica();
    const { value } = await create(first, { spec: specFor(mcp.url) });
    let failures = 2;
    const broken: Catalog = withMethods(world.catalog, {
      tenants: (options) => {
        failures -= 1;
        return failures < 0
          ? world.catalog.log.tenants(options)
          : Promise.reject(new SwitchboardError('CATALOG_UNAVAILABLE'));
      },
    });
    const replica = await inspectingReplica(world, {}, { catalog: broken });
    await eventually(async () =>
      expect((await recordIn(replica, value.id)).facts?.observation).toBeDefined(),
    );
  });
});

describe('who asks for an inspection', () => {
  it('shares the one that is under way', async () => {
    await using world = await openWorld();
    const gate = closedGate();
    const odd = await openOddServer(async ({ rpc }) => {
      if (rpc?.method === 'tools/list') await gate.opened;
      return false;
    });
    const replica = await inspectingReplica(world);
    const { value } = await create(replica, { spec: specFor(odd.url) });
    await until(() => odd.seen.includes('tools/list'));
    const asked = [inspectNow(replica, value.id), inspectNow(replica, value.id)];
    gate.open();
    for (const record of await Promise.all(asked)) {
      expect(record.facts?.observation?.serverName).toBe('odd');
    }
    expect(odd.seen.filter((method) => method === 'initialize')).toHaveLength(1);
  });

  it('gets the truth of now, however often, and equal facts write nothing [R4]', async () => {
    await using world = await openWorld();
    let count = 1;
    const odd = await openOddServer((exchange) =>
      exchange.rpc?.method === 'tools/list' ? answer(exchange, { tools: tools(count) }) : false,
    );
    const replica = await inspectingReplica(world, { automatic: false });
    const { value } = await create(replica, { spec: specFor(odd.url) });
    const first = await inspectNow(replica, value.id);
    expect(await inspectNow(replica, value.id)).toEqual(first);
    count = 2;
    const second = await inspectNow(replica, value.id);
    expect(second.facts?.observation?.toolCount).toBe(2);
    expect(second.factsEtag).not.toBe(first.factsEtag);
    expect(await factsCommits(world.catalog)).toHaveLength(2);
  });
});
