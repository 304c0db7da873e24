import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  CheckResult_State,
  type HeldConnection,
  type CheckConnectionsResponse,
} from '../../generated/switchboard/v1/connection_service.js';
import { Tier, type Server } from '../../generated/switchboard/v1/server.js';
import { fromRpcStatus } from '../../src/wire/status.js';
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
  revisionOf,
  serverOf,
  tokenOf,
  userView,
  type Admin,
  type Init,
} from '../support/grpc-admin/grpc-admin.js';
import { startLocalServer, type LocalServer } from '../support/grpc-admin/server.js';

let local: LocalServer;
let admin: Admin;

beforeAll(async () => {
  local = await startLocalServer();
  ({ admin } = local);
});
afterAll(() => local[Symbol.asyncDispose]());
afterEach(() => expect(local.defects()).toEqual([]));

type Item = Init<typeof HeldConnection>;

/** What a client remembers of a connection: by name or id, by hash or time. */
function hash({ configHash }: Server): Item {
  return { builtFrom: { $case: 'configHash', value: configHash } };
}
function time({ lastUpdatedAt }: Server): Item {
  return { builtFrom: { $case: 'lastUpdatedAt', value: lastUpdatedAt! } };
}
function of(view: typeof APP, server: Item['server'], rest: Item): Item {
  return { view, server, ...rest };
}

/** The states by their names; with STALE the name of the current server, with an error its reason and field. */
function states({ results }: CheckConnectionsResponse): string[] {
  return results.map(({ state, server, error }) => {
    if (error !== undefined) {
      const { reason, violations } = fromRpcStatus(error);
      return `${reason} ${violations.map(({ field }) => field).join()}`;
    }
    const name = CheckResult_State[state].replace('STATE_', '');
    return server === undefined ? name : `${name} ${server.name}`;
  });
}

async function update(
  tenant: string,
  server: Server,
  change: Init<typeof Server>,
  mask?: string[],
) {
  const { id, etag } = server;
  const updateMask = mask === undefined ? {} : { updateMask: mask };
  return serverOf(await admin.update({ tenant, server: { ...change, id, etag }, ...updateMask }));
}

describe('CheckConnections', () => {
  it('tells by name and id, hash and time, what is current', async () => {
    const tenant = newTenant();
    const server = await declare(admin, tenant, { name: 'tools', tier: Tier.TIER_USER });
    const view = userView('ana');
    const items = [byName('tools'), byId(server.id)].flatMap((key) =>
      [hash(server), time(server)].map((built) => of(view, key, built)),
    );
    const answer = await admin.check({ tenant, items });
    expect(states(answer)).toEqual(['CURRENT', 'CURRENT', 'CURRENT', 'CURRENT']);
    expect(revisionOf(tokenOf(answer), tenant)).toBe(1);
  });

  it('a title makes stale only what can compare nothing but the time', async () => {
    const tenant = newTenant();
    const server = await declare(admin, tenant, { name: 'tools' });
    await update(tenant, server, { spec: { title: 'new' } }, ['spec.title']);
    const items = [hash(server), time(server)].map((built) => of(APP, byName('tools'), built));
    expect(states(await admin.check({ tenant, items }))).toEqual(['CURRENT', 'STALE tools']);
  });

  it('answers a stale one with the server as it is', async () => {
    const tenant = newTenant();
    const server = await declare(admin, tenant, { name: 'tools' });
    const moved = await update(tenant, server, { spec: httpSpec('https://new.example/mcp') });
    const items = [of(APP, byName('tools'), hash(server)), of(APP, byId(server.id), time(server))];
    const { results } = await admin.check({ tenant, items });
    expect(results).toEqual(
      results.map(() => ({
        state: CheckResult_State.STATE_STALE,
        server: moved,
        error: undefined,
      })),
    );
  });

  it('another server of the name is stale, if the client says which it was', async () => {
    const tenant = newTenant();
    const view = userView('ana');
    const own = await declarePrivate(admin, tenant, { owner: 'ana', name: 'tools' });
    const shared = await declare(admin, tenant, { name: 'tools', tier: Tier.TIER_USER });
    // Both of one spec and one scope, and so of one hash.
    expect(shared.configHash).toBe(own.configHash);
    const items = [
      of(view, byName('tools'), { ...hash(own), serverId: own.id }),
      of(view, byName('tools'), { ...hash(own), serverId: shared.id }),
      of(view, byName('tools'), hash(own)),
      of(view, byId(own.id), hash(own)),
    ];
    expect(states(await admin.check({ tenant, items }))).toEqual([
      'STALE tools',
      'CURRENT',
      'CURRENT',
      'CURRENT',
    ]);
  });

  it('what a view does not have is gone: deleted, renamed, disabled, of another user, never there [R7]', async () => {
    const tenant = newTenant();
    const view = userView('ana');
    const deleted = await declare(admin, tenant, { name: 'deleted' });
    const renamed = await declare(admin, tenant, { name: 'renamed' });
    const disabled = await declare(admin, tenant, { name: 'disabled' });
    const bobs = await declarePrivate(admin, tenant, { owner: 'bob', name: 'bobs' });
    const perUser = await declare(admin, tenant, { name: 'per-user', tier: Tier.TIER_USER });
    await admin.remove({ tenant, id: deleted.id, etag: deleted.etag });
    await update(tenant, renamed, { name: 'other' });
    await update(tenant, disabled, { spec: { enabled: false } }, ['spec.enabled']);
    const items = [
      of(view, byName('deleted'), hash(deleted)),
      of(view, byId(deleted.id), hash(deleted)),
      of(view, byName('renamed'), hash(renamed)),
      of(view, byName('disabled'), hash(disabled)),
      of(view, byName('bobs'), hash(bobs)),
      of(view, byId(bobs.id), hash(bobs)),
      of(APP, byName('per-user'), hash(perUser)),
      of(view, byName('never'), hash(bobs)),
      of(view, byId(renamed.id), hash(renamed)),
    ];
    const answered = states(await admin.check({ tenant, items }));
    expect(answered.slice(0, -1)).toEqual(items.slice(1).map(() => 'GONE'));
    expect(answered.at(-1)).toBe('CURRENT');
  });

  it('answers every item by itself, and what is wrong with one hides no other [C7]', async () => {
    const tenant = newTenant();
    const server = await declare(admin, tenant, { name: 'tools' });
    const before = await newestRevision(admin, tenant);
    const good = of(APP, byName('tools'), hash(server));
    const groups = Array.from({ length: 300 }, (_, index) => `g${String(index)}`);
    const items: Item[] = [
      good,
      { ...good, view: undefined },
      { ...good, view: INVENTORY },
      { ...good, view: userView(' ') },
      { ...good, view: userView('ana', groups) },
      { ...good, server: undefined },
      { ...good, server: byName('') },
      { ...good, server: byId('i'.repeat(10_000)) },
      { ...good, builtFrom: undefined },
      { ...good, builtFrom: { $case: 'configHash', value: '' } },
      good,
    ];
    const answer = await admin.check({ tenant, items });
    expect(states(answer)).toEqual([
      'CURRENT',
      'INVALID_FIELD view',
      'INVALID_FIELD view',
      'INVALID_FIELD view.user.user',
      'INVALID_FIELD view.user.groups',
      'INVALID_FIELD server',
      'INVALID_FIELD server',
      'INVALID_FIELD id',
      'INVALID_FIELD built_from',
      'STALE tools',
      'CURRENT',
    ]);
    expect(await newestRevision(admin, tenant)).toBe(before);
  });

  it('takes 1,000 items of as many users, all of one revision', async () => {
    const tenant = newTenant();
    const server = await declare(admin, tenant, { name: 'tools', tier: Tier.TIER_USER });
    const items = Array.from({ length: 1_000 }, (_, index) =>
      of(userView(`user-${String(index)}`), byName('tools'), hash(server)),
    );
    const answered = states(await admin.check({ tenant, items }));
    expect(new Set(answered)).toEqual(new Set(['CURRENT']));
    expect(answered).toHaveLength(1_000);
  });
});
