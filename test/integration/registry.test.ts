import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ShadowPolicy } from '../../generated/switchboard/v1/registry_service.js';
import { type Server, Tier } from '../../generated/switchboard/v1/server.js';
import { encodeToken } from '../../src/domain/token.js';
import { openLmdbCatalog } from '../../src/storage/catalog/lmdb/open-lmdb-catalog.js';
import {
  APP,
  byId,
  byName,
  declare,
  declarePrivate,
  httpSpec,
  INVENTORY,
  newestRevision,
  newTenant,
  openAdmin,
  refusalOf,
  serverOf,
  stdioSpec,
  tokenOf,
  userView,
  type Admin,
  type Init,
} from '../support/grpc-admin/grpc-admin.js';
import { applyServers } from '../support/grpc-admin/history.js';
import { startLocalServer, type LocalServer } from '../support/grpc-admin/server.js';

const SPEC = httpSpec('https://tools.example/mcp');

let local: LocalServer;
let admin: Admin;

beforeAll(async () => {
  local = await startLocalServer({ flags: ['--max-message-bytes', '33554432'] });
  ({ admin } = local);
});
afterAll(() => local[Symbol.asyncDispose]());
afterEach(() => expect(local.defects()).toEqual([]));

function create(tenant: string, rest: Init<typeof Server>): Promise<Server> {
  return declare(admin, tenant, rest);
}

function createPrivate(tenant: string, owner: string, name: string): Promise<Server> {
  return declarePrivate(admin, tenant, { owner, name });
}

function revision(tenant: string): Promise<number> {
  return newestRevision(admin, tenant);
}

/** A place in the log that the server cannot know, with its true epoch. */
async function positionBeyond(tenant: string): Promise<Parameters<typeof encodeToken>[1]> {
  const catalog = await openLmdbCatalog({ dataDir: local.server.dataDir! });
  try {
    const head = await catalog.log.head(tenant);
    return { ...head, revision: head.revision + 5, fingerprint: 'never' };
  } finally {
    await catalog.close();
  }
}

describe('a server that was created', () => {
  it('is found by name and id, in every view that may see it [R1]', async () => {
    const tenant = newTenant();
    const spec = httpSpec('https://tools.example/mcp', {
      title: 'Tools',
      labels: new Map([['team', 'search']]),
      timeouts: { call: { seconds: 5 } },
    });
    const answer = await admin.create({
      tenant,
      server: { name: 'tools', tier: Tier.TIER_APP, externalId: 'ext-1', spec },
    });
    const server = serverOf(answer);
    expect(server).toMatchObject({ name: 'tools', externalId: 'ext-1', owner: '' });
    expect(server.id).toMatch(/^[-0-9a-f]{36}$/);
    expect(server.createTime).toEqual(server.lastUpdatedAt);
    expect(server.spec).toMatchObject({ title: 'Tools', enabled: true, startup: true });
    for (const view of [APP, userView('ana'), userView('bob', ['g1'])]) {
      for (const key of [byName('tools'), byId(server.id)]) {
        const got = await admin.get({ tenant, view, key, atLeast: tokenOf(answer) });
        expect(got.server).toEqual(server);
        expect(got.header).toMatchObject({ upstreamState: 1 });
      }
    }
    const got = await admin.get({ tenant, view: INVENTORY, key: byId(server.id) });
    expect(got.server).toEqual(server);
  });

  it('of tier USER is not for the application, one of tier PRIVATE for its owner only', async () => {
    const tenant = newTenant();
    await create(tenant, { name: 'per-user', tier: Tier.TIER_USER });
    await createPrivate(tenant, 'bob', 'own');
    const namesFor = async (view: typeof APP): Promise<string[]> =>
      (await admin.list({ tenant, view })).servers.map(({ name }) => name);
    expect(await namesFor(APP)).toEqual([]);
    expect(await namesFor(userView('ana'))).toEqual(['per-user']);
    expect(await namesFor(userView('bob'))).toEqual(['own', 'per-user']);
    expect((await namesFor(INVENTORY)).toSorted()).toEqual(['own', 'per-user']);
  });

  it('shadows a private one of its name, also while it is disabled', async () => {
    const tenant = newTenant();
    const own = await createPrivate(tenant, 'bob', 'tools');
    const server = { name: 'tools', tier: Tier.TIER_APP, spec: { ...SPEC, enabled: false } };
    expect(await refusalOf(admin.create({ tenant, server }))).toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'WOULD_SHADOW',
      metadata: { id: own.id, owner: 'bob', count: '1' },
    });
    const policy = ShadowPolicy.SHADOW_POLICY_SHADOW;
    const shared = serverOf(await admin.create({ tenant, server, policy }));
    const view = userView('bob');
    expect(serverOf(await admin.get({ tenant, view, key: byName('tools') })).id).toBe(shared.id);
    expect(serverOf(await admin.get({ tenant, view, key: byId(own.id) })).id).toBe(own.id);
    expect((await admin.list({ tenant, view })).servers.map(({ id }) => id)).toEqual([shared.id]);
  });

  it('has a name of its own: one per tenant for shared ones, one per owner for private ones', async () => {
    const tenant = newTenant();
    const first = await create(tenant, { name: 'tools', tier: Tier.TIER_USER });
    const again = { name: 'tools', tier: Tier.TIER_APP, spec: SPEC };
    expect(await refusalOf(admin.create({ tenant, server: again }))).toMatchObject({
      code: 'ALREADY_EXISTS',
      reason: 'NAME_TAKEN',
      metadata: { id: first.id, tier: 'USER' },
    });
    await createPrivate(tenant, 'bob', 'tools');
    await createPrivate(tenant, 'ana', 'tools');
    expect((await refusalOf(createPrivate(tenant, 'ana', 'tools'))).reason).toBe('NAME_TAKEN');
    await create(newTenant(), { name: 'tools' });
    expect(await revision(tenant)).toBe(3);
  });

  it('says who may share a connection, and why', async () => {
    const tenant = newTenant();
    const spec = httpSpec('https://tools.example/mcp/${user:id}');
    const { connectionScope, connectionScopeReasons } = await create(tenant, {
      name: 'tools',
      tier: Tier.TIER_USER,
      spec,
    });
    expect(connectionScope).toBe(2);
    expect(connectionScopeReasons).toHaveLength(2);
  });
});

describe('what a view may not see', () => {
  it('answers with the very bytes of what does not exist [R7]', async () => {
    const [tenant, empty] = [newTenant(), newTenant()];
    const secret = await createPrivate(tenant, 'bob', 'secret');
    const asked = [byName('secret'), byId(secret.id)].flatMap((key) =>
      [userView('ana', ['bob']), APP].map((view) => ({ view, key })),
    );
    for (const request of asked) {
      const hidden = await refusalOf(admin.get({ tenant, ...request }));
      const absent = await refusalOf(admin.get({ tenant: empty, ...request }));
      expect(hidden).toMatchObject({ code: 'NOT_FOUND', reason: 'SERVER_NOT_FOUND' });
      expect(hidden).toEqual(absent);
      expect(hidden.details).toEqual(absent.details);
    }
    // It is there for whom it is there.
    await admin.get({ tenant, view: userView('bob'), key: byName('secret') });
  });

  it('does not keep a user from a name of another user', async () => {
    const tenant = newTenant();
    await createPrivate(tenant, 'bob', 'secret');
    const own = await createPrivate(tenant, 'ana', 'secret');
    const got = await admin.get({ tenant, view: userView('ana'), key: byName('secret') });
    expect(serverOf(got).id).toBe(own.id);
  });
});

describe('at_least', () => {
  it('is refused with NOT_CAUGHT_UP if the log does not get there before the deadline [R1]', async () => {
    const tenant = newTenant();
    await create(tenant, { name: 'tools' });
    const atLeast = encodeToken(tenant, await positionBeyond(tenant));
    using hasty = openAdmin(local.server.address, undefined, 400);
    for (const refused of await Promise.all([
      refusalOf(hasty.get({ tenant, view: APP, key: byName('tools'), atLeast })),
      refusalOf(hasty.list({ tenant, view: APP, atLeast })),
    ])) {
      expect(refused).toMatchObject({ code: 'UNAVAILABLE', reason: 'NOT_CAUGHT_UP' });
      expect(refused.retryDelayMs).toBeGreaterThan(0);
    }
  });

  it('of a former life of the log is EPOCH_CHANGED [P16]', async () => {
    const tenant = newTenant();
    await create(tenant, { name: 'tools' });
    const atLeast = encodeToken(tenant, { epoch: 'former', revision: 1, fingerprint: 'f' });
    for (const refused of await Promise.all([
      refusalOf(admin.get({ tenant, view: APP, key: byName('tools'), atLeast })),
      refusalOf(admin.list({ tenant, view: APP, atLeast })),
    ])) {
      expect(refused).toMatchObject({
        code: 'FAILED_PRECONDITION',
        reason: 'EPOCH_CHANGED',
      });
    }
  });
});

describe('DeleteServer', () => {
  it('answers what it was and who loses sight of it; the name is free again', async () => {
    const tenant = newTenant();
    const shared = await create(tenant, { name: 'tools', tier: Tier.TIER_USER });
    const own = await createPrivate(tenant, 'bob', 'own');
    const gone = await admin.remove({ tenant, id: shared.id, etag: shared.etag });
    expect(gone.server).toEqual(shared);
    expect(gone.affected).toEqual({ everyone: true, subjects: [] });
    const ownGone = await admin.remove({ tenant, id: own.id, etag: own.etag });
    expect(ownGone.affected).toEqual({ everyone: false, subjects: ['user:bob'] });
    for (const id of [shared.id, own.id]) {
      const got = admin.get({ tenant, view: INVENTORY, key: byId(id) });
      expect((await refusalOf(got)).reason).toBe('SERVER_NOT_FOUND');
    }
    expect((await create(tenant, { name: 'tools' })).id).not.toBe(shared.id);
  });

  it('of what is not there, or was changed meanwhile, is refused with what is true [R2]', async () => {
    const tenant = newTenant();
    const { id, etag } = await create(tenant, { name: 'tools' });
    const stranger = { tenant, id: randomUUID(), etag };
    expect(await refusalOf(admin.remove(stranger))).toMatchObject({
      code: 'NOT_FOUND',
      reason: 'SERVER_NOT_FOUND',
    });
    const renamed = serverOf(await admin.update({ tenant, server: { id, etag, name: 'other' } }));
    expect(await refusalOf(admin.remove({ tenant, id, etag }))).toMatchObject({
      code: 'ABORTED',
      reason: 'ETAG_MISMATCH',
      metadata: { id, current_etag: renamed.etag },
    });
    await admin.remove({ tenant, id, etag: renamed.etag });
    expect((await refusalOf(admin.remove({ tenant, id, etag: renamed.etag }))).reason).toBe(
      'SERVER_NOT_FOUND',
    );
    expect(await revision(tenant)).toBe(3);
  });
});

describe('a commit above 8 MB', () => {
  it('is refused and nothing is written; what came with it is [P5]', async () => {
    const tenant = newTenant();
    const args = new Array<string>(256).fill('a'.repeat(16_384));
    const value = { command: 'node', args };
    const spec = stdioSpec('node', { transport: { $case: 'stdio', value } });
    const servers = ['x', 'y', 'z'].map((name) => ({ name, tier: Tier.TIER_APP, spec }));
    const huge = applyServers(admin, { tenant, set: 'huge', servers, allOrNothing: true });
    const [refused] = await Promise.all([
      refusalOf(huge),
      create(tenant, { name: 'a' }),
      create(tenant, { name: 'b' }),
    ]);
    expect(refused).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'COMMIT_TOO_LARGE' });
    const listed = await admin.list({ tenant, view: APP });
    expect(listed.servers.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(await revision(tenant)).toBe(2);
  });
});
