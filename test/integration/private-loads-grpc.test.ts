import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { PrivateLoad_State as State } from '../../generated/switchboard/v1/private_load.js';
import {
  RollbackServerRequest,
  ShadowPolicy,
  UndeleteServerRequest,
} from '../../generated/switchboard/v1/registry_service.js';
import { Tier } from '../../generated/switchboard/v1/server.js';
import { isClientError } from '../../src/client/client-error.js';
import { openNode, soon } from '../support/control-plane/node.js';
import {
  APP,
  byId,
  byName,
  declare,
  declarePrivate,
  INVENTORY,
  newTenant,
  refusalOf,
  revisionOf,
  serverOf,
  tokenOf,
  toRefusal,
  userView,
  type Admin,
} from '../support/grpc-admin/grpc-admin.js';
import {
  demoteServer,
  grantAccess,
  promoteServer,
  revokeAccess,
  setAccess,
} from '../support/grpc-admin/access.js';
import { createNodeFollower } from '../support/grpc-admin/sync.js';
import { createFollower } from '../support/grpc-admin/watch.js';
import {
  httpRow,
  loadOf,
  loads,
  startLoadingServer,
  type LoadingServer,
} from '../support/loads/server.js';
import type { SourceServer } from '../support/loads/source-server.js';
import { call } from '../support/grpc/unary-call.js';

let local: LoadingServer;
let admin: Admin;
let source: SourceServer;
let users = 0;

beforeAll(async () => {
  local = await startLoadingServer();
  ({ admin, source } = local);
});
afterAll(() => local[Symbol.asyncDispose]());
afterEach(() => expect(local.defects()).toEqual([]));

/** A user whom nobody has asked for yet, with these servers at the source. */
function coldUser(...rowIds: readonly string[]): string {
  users += 1;
  const user = `user-${String(users)}`;
  source.setRows(user, rowsOf(user, ...rowIds));
  return user;
}

/** Rows of ids of the user's own, named as the test says. */
const rowsOf = (user: string, ...names: readonly string[]) =>
  names.map((name) => httpRow(`${user}-${name}`, { name }));

const namesOf = async (user: string, atLeast = ''): Promise<readonly string[]> =>
  (await admin.list({ view: userView(user), atLeast })).servers.map(({ name }) => name);

const serverOfUser = async (user: string, name: string) =>
  serverOf(await admin.get({ view: userView(user), key: byName(name) }));

/** A promise, and what keeps it. */
function gate(): { readonly open: () => void; readonly until: Promise<void> } {
  let open = (): void => undefined;
  const until = new Promise<void>((resolve) => (open = resolve));
  return { open, until };
}

describe('the servers of a cold user', () => {
  it('are loaded by who asks for the load, and told [L5]', async () => {
    const user = coldUser('notes', 'files');
    const cold = await loads.status(admin, { user });
    expect(cold.load).toMatchObject({ user, state: State.STATE_COLD, source: 'app-db' });
    expect(source.calls(user)).toBe(0);
    const { load, header } = await loads.load(admin, { user });
    expect(load).toMatchObject({
      user,
      state: State.STATE_LOADED,
      source: 'app-db',
      serverCount: 2,
      loading: false,
      refused: [],
      refusedCount: 0,
      failure: undefined,
      nextAttemptTime: undefined,
      revision: revisionOf(header?.token),
    });
    expect(Math.abs(Date.now() - Number(load?.loadTime))).toBeLessThan(60_000);
    expect(await loads.status(admin, { user })).toMatchObject({ load: { serverCount: 2 } });
    await loads.load(admin, { user });
    expect(source.calls(user)).toBe(1);
  });

  it('are there for GetServer and ListServers at once, and where the token of a load is given [R1]', async () => {
    const [getter, lister, loader] = ['get', 'list', 'load'].map((name) => coldUser(name));
    expect(await serverOfUser(getter!, 'get')).toMatchObject({
      tier: Tier.TIER_PRIVATE,
      owner: getter,
      privateSource: 'app-db',
      externalId: `${getter!}-get`,
    });
    expect(await namesOf(lister!)).toEqual(['list']);
    const answer = await loads.load(admin, { user: loader! });
    const read = { view: INVENTORY, atLeast: tokenOf(answer) };
    const { servers } = await admin.list({ ...read, pageSize: 1_000 });
    expect(servers.map(({ name }) => name)).toContain('load');
    expect(await namesOf(loader!, tokenOf(answer))).toEqual(['load']);
  });

  it('reach WatchServers and Sync, which are told what changes at the source [W9]', async () => {
    const [watcher, node] = [coldUser('old'), coldUser('old')];
    const follower = createFollower(userView(watcher));
    follower.open(admin);
    const sync = createNodeFollower(new Map([['s', userView(node)]]), { nodeId: 'n' });
    sync.open(admin);
    onTestFinished(() => {
      follower.close();
      sync.close();
    });
    const watched = () => [...follower.servers.values()].map(({ name }) => name);
    const synced = () => [...sync.records.values()].map(({ server }) => server.name);
    await follower.until(() => watched().join() === 'old');
    await sync.until(() => sync.visible.has('s') && synced().join() === 'old');
    for (const user of [watcher, node]) {
      source.setRows(user, rowsOf(user, 'new', 'more'));
      expect(loadOf(await loads.invalidate(admin, { user })).state).toBe(State.STATE_INVALIDATED);
    }
    await follower.until(() => watched().sort().join() === 'more,new');
    await sync.until(() => synced().sort().join() === 'more,new');
    expect([follower.faults, sync.faults, follower.resets, sync.resets]).toEqual([[], [], [], []]);
  });

  it('are asked for once, however many load at once [L1, C7]', async () => {
    const user = coldUser('notes');
    const { open, until } = gate();
    source.setBehaviour(user, { until });
    const all = Array.from({ length: 200 }, async (_, at): Promise<number> => {
      if (at % 2 === 0) return loadOf(await loads.load(admin, { user })).serverCount;
      return (await namesOf(user)).length;
    });
    await soon(() => expect(source.running(user)).toBe(1));
    const other = coldUser('quick');
    expect(await namesOf(other)).toEqual(['quick']);
    expect(loadOf(await loads.status(admin, { user })).loading).toBe(true);
    open();
    expect(new Set(await Promise.all(all))).toEqual(new Set([1]));
    expect(source.calls(user)).toBe(1);
  });

  it('are asked for anew after an invalidation, and by force [P26]', async () => {
    const user = coldUser('old');
    await namesOf(user);
    source.setRows(user, rowsOf(user, 'new'));
    expect(await namesOf(user)).toEqual(['old']);
    const { header, load } = await loads.invalidate(admin, { user, requestId: `i-${user}` });
    expect(revisionOf(header?.token)).toBe(load?.revision);
    expect(await namesOf(user, tokenOf({ header }))).toEqual(['new']);
    const again = await loads.invalidate(admin, { user, requestId: `i-${user}` });
    expect(again.header?.token).toBe(header?.token);
    expect(source.calls(user)).toBe(2);
    source.setRows(user, []);
    const forced = await loads.load(admin, { user, force: true });
    expect(forced.load).toMatchObject({ state: State.STATE_LOADED, serverCount: 0 });
    expect(await namesOf(user)).toEqual([]);
    expect(source.calls(user)).toBe(3);
  });

  it('are gone after a purge, until a load is forced [P27, R3, R6]', async () => {
    const user = coldUser('one', 'two');
    await namesOf(user);
    await declarePrivate(admin, 'default', { owner: user, name: 'by-hand' });
    const granted = await declarePrivate(admin, 'default', { owner: 'bob', name: `of-${user}` });
    await grantAccess(admin, { id: granted.id, subjects: [`user:${user}`] });
    const plan = await loads.purge(admin, { user, validateOnly: true });
    expect(plan).toMatchObject({ deletedCount: 3, revokedCount: 1 });
    expect(await namesOf(user)).toHaveLength(4);
    const purge = { user, requestId: `p-${user}`, reason: 'left' };
    const done = await loads.purge(admin, purge);
    expect(done).toMatchObject({ deletedCount: 3, revokedCount: 1 });
    expect(await loads.purge(admin, purge)).toMatchObject({ deletedCount: 3, revokedCount: 1 });
    expect(await namesOf(user, tokenOf(done))).toEqual([]);
    expect(loadOf(await loads.status(admin, { user })).state).toBe(State.STATE_PURGED);
    const refused = await refusalOf(loads.load(admin, { user }));
    expect(refused).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'USER_PURGED' });
    expect(source.calls(user)).toBe(1);
    const back = await loads.load(admin, { user, force: true });
    expect(back.load).toMatchObject({ state: State.STATE_LOADED, serverCount: 2 });
    expect(await namesOf(user)).toEqual(['one', 'two']);
  });

  it('are those of the Catalog in a tenant that has no source', async () => {
    const tenant = newTenant();
    await declarePrivate(admin, tenant, { owner: 'ana', name: 'own' });
    const { load } = await loads.load(admin, { tenant, user: 'ana' });
    expect(load).toMatchObject({ state: State.STATE_LOADED, source: '', revision: 0 });
    const { header } = await loads.invalidate(admin, { tenant, user: 'ana' });
    expect(revisionOf(header?.token, tenant)).toBe(1);
    expect(await loads.purge(admin, { tenant, user: 'ana' })).toMatchObject({ deletedCount: 1 });
    expect(source.requests.filter((request) => request.tenant === tenant)).toEqual([]);
  });
});

describe('a server of a private source', () => {
  it('can be changed at the source only', async () => {
    const user = coldUser('notes');
    const { id, etag, accessEtag } = await serverOfUser(user, 'notes');
    const { registry } = admin;
    const server = { id, etag, name: 'other' };
    const rollback = RollbackServerRequest.fromPartial({ id, etag, generation: 1 });
    for (const change of [
      () => admin.update({ server, updateMask: ['name'] }),
      () => admin.remove({ id, etag }),
      () => setAccess(admin, { id, accessEtag, subjects: ['user:bob'] }),
      () => grantAccess(admin, { id, subjects: ['user:bob'] }),
      () => revokeAccess(admin, { id, subjects: ['user:bob'] }),
      () => call(registry, 'rollbackServer', rollback),
    ]) {
      const { code, reason } = await refusalOf(change());
      expect([code, reason]).toEqual(['FAILED_PRECONDITION', 'MANAGED_BY_SOURCE']);
    }
    expect(await serverOfUser(user, 'notes')).toMatchObject({ id, etag, accessEtag });
    source.setRows(user, []);
    await loads.load(admin, { user, force: true });
    const undelete = call(registry, 'undeleteServer', UndeleteServerRequest.fromPartial({ id }));
    expect(await refusalOf(undelete)).toMatchObject({ reason: 'MANAGED_BY_SOURCE' });
  });

  it('is promoted by a copy, which shadows it, and is demoted under another name only [P28]', async () => {
    const user = coldUser('shared-notes');
    const view = userView(user);
    const original = await serverOfUser(user, 'shared-notes');
    const policy = ShadowPolicy.SHADOW_POLICY_SHADOW;
    const { id, etag } = original;
    const copy = serverOf(await promoteServer(admin, { id, etag, tier: Tier.TIER_USER, policy }));
    expect(copy.id).not.toBe(id);
    expect(copy).toMatchObject({ tier: Tier.TIER_USER, privateSource: '', externalId: '' });
    expect((await serverOfUser(user, 'shared-notes')).id).toBe(copy.id);
    expect(serverOf(await admin.get({ view, key: byId(id) }))).toEqual(original);
    expect((await admin.list({ view: userView('bob') })).servers.map((one) => one.id)).toContain(
      copy.id,
    );
    // The source goes on with the original, and knows nothing of the copy.
    await loads.load(admin, { user, force: true });
    expect((await serverOfUser(user, 'shared-notes')).id).toBe(copy.id);

    const down = { id: copy.id, etag: copy.etag, owner: user };
    expect(await refusalOf(demoteServer(admin, down))).toMatchObject({
      code: 'ALREADY_EXISTS',
      reason: 'NAME_TAKEN',
    });
    const demoted = await demoteServer(admin, { ...down, name: 'my-copy' });
    expect(serverOf(demoted)).toMatchObject({ id: copy.id, name: 'my-copy', owner: user });
    expect(await namesOf(user)).toEqual(['my-copy', 'shared-notes']);
    expect((await serverOfUser(user, 'shared-notes')).id).toBe(id);
    // Nor does a load take the copy, which is the user's own from now on.
    source.setRows(user, []);
    await loads.load(admin, { user, force: true });
    expect(await namesOf(user)).toEqual(['my-copy']);
  });

  it('is shadowed by a shared one of its name, which needs no load', async () => {
    await declare(admin, 'default', { name: 'everywhere', tier: Tier.TIER_APP });
    const user = coldUser('everywhere');
    source.setBehaviour(user, { end: { code: 'INTERNAL' } });
    expect(await serverOfUser(user, 'everywhere')).toMatchObject({ tier: Tier.TIER_APP });
    source.setBehaviour(user, {});
    await loads.load(admin, { user, force: true });
    expect(await serverOfUser(user, 'everywhere')).toMatchObject({ tier: Tier.TIER_APP });
    await admin.remove(await serverOfUser(user, 'everywhere'));
    expect(await serverOfUser(user, 'everywhere')).toMatchObject({ owner: user });
    expect((await admin.list({ view: APP })).servers).toEqual([]);
  });
});

describe('a request that cannot be', () => {
  it.each([
    ['no user', 'user', { user: '' }],
    ['a blank user', 'user', { user: '  ' }],
    ['a user of 10,000 characters', 'user', { user: 'x'.repeat(10_000) }],
    ['a user with control characters', 'user', { user: 'a\u0000b' }],
    ['a tenant of 10,000 characters', 'tenant', { user: 'ana', tenant: 'x'.repeat(10_000) }],
  ])('with %s is refused by every method', async (_, field, request) => {
    const asked = source.requests.length;
    for (const ask of [loads.load, loads.status, loads.invalidate, loads.purge]) {
      const { code, reason, fields } = await refusalOf(ask(admin, request));
      expect([code, reason, fields]).toEqual(['INVALID_ARGUMENT', 'INVALID_FIELD', [field]]);
    }
    expect(source.requests).toHaveLength(asked);
  });

  it('with a request id or a reason that is too long is refused', async () => {
    const long = 'x'.repeat(10_000);
    for (const ask of [loads.invalidate, loads.purge]) {
      const id = await refusalOf(ask(admin, { user: 'ana', requestId: long }));
      expect(id.fields).toEqual(['request_id']);
      expect((await refusalOf(ask(admin, { user: 'ana', reason: long }))).fields).toEqual([
        'reason',
      ]);
    }
  });
});

describe('a node', () => {
  it('waits for the load of a cold user, and follows it', async () => {
    const { client } = openNode(local.address);
    const user = coldUser('notes');
    const { open, until } = gate();
    source.setBehaviour(user, { until });
    const waiting = client.user(user);
    await soon(() => expect(source.running(user)).toBe(1));
    await using other = await client.user(coldUser('quick'));
    expect(other.servers.list().map(({ name }) => name)).toContain('quick');
    open();
    await using handle = await waiting;
    expect(handle.servers.get('notes')?.name).toBe('notes');
    source.setRows(user, []);
    await loads.invalidate(admin, { user });
    await soon(() => expect(handle.servers.get('notes')).toBeUndefined());
  });

  it('is refused the user of a source that fails, with the cause; others go on', async () => {
    const { client } = openNode(local.address);
    await client.ready();
    const [broken, fine] = [coldUser('notes'), coldUser('notes')];
    source.setBehaviour(broken, { end: { code: 'INTERNAL', details: 'no such table' } });
    const [refused, ok] = await Promise.allSettled([client.user(broken), client.user(fine)]);
    if (refused.status !== 'rejected' || ok.status !== 'fulfilled') throw new Error('not refused');
    expect(isClientError(refused.reason, 'SUBSCRIPTION_REFUSED')).toBe(true);
    expect(refused.reason).toMatchObject({
      cause: { reason: 'SOURCE_UNAVAILABLE', metadata: { source: 'app-db', code: 'INTERNAL' } },
    });
    expect((refused.reason as Error).message).toContain('no such table');
    source.setRows(fine, rowsOf(fine, 'notes', 'more'));
    await loads.invalidate(admin, { user: fine });
    await soon(() => expect(ok.value.servers.get('more')?.name).toBe('more'));
    expect(client.status.current.state).toBe('READY');
    source.setBehaviour(broken, {});
    await loads.load(admin, { user: broken, force: true });
    await using handle = await client.user(broken);
    expect(handle.servers.get('notes')?.name).toBe('notes');
    await ok.value.release();
  });

  it('that opens with such a user waits until the source is back', async () => {
    const user = coldUser('notes');
    source.setBehaviour(user, { end: { code: 'INTERNAL' } });
    const { client } = openNode(local.address);
    const waiting = client.user(user);
    await client.ready();
    await soon(async () => {
      expect(loadOf(await loads.status(admin, { user })).failure).toBeDefined();
    });
    source.setBehaviour(user, {});
    await using handle = await waiting;
    expect(handle.servers.get('notes')?.name).toBe('notes');
  });

  it('and a watch that are refused say so typed', async () => {
    const user = coldUser('notes');
    source.setBehaviour(user, { end: { code: 'UNAVAILABLE' } });
    const follower = createFollower(userView(user));
    follower.open(admin);
    const sync = createNodeFollower(new Map([['s', userView(user)]]), { nodeId: 'm' });
    sync.open(admin);
    onTestFinished(() => sync.close());
    const refused = toRefusal(await follower.ended);
    expect(refused).toMatchObject({ code: 'UNAVAILABLE', reason: 'SOURCE_UNAVAILABLE' });
    expect(refused.retryDelayMs).toBeGreaterThan(0);
    await sync.until(() => sync.refused.includes('s'));
    expect(sync.visible.has('s')).toBe(false);
  });
});
