import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { View } from '../../generated/switchboard/v1/common.js';
import {
  Cause,
  type WatchServersResponse,
} from '../../generated/switchboard/v1/registry_service.js';
import { Tier } from '../../generated/switchboard/v1/server.js';
import type { Position } from '../../src/domain/commit.js';
import { encodeToken } from '../../src/domain/token.js';
import { APP_VIEW, userView as domainView } from '../../src/domain/view.js';
import { openLmdbCatalog } from '../../src/storage/catalog/lmdb/open-lmdb-catalog.js';
import {
  APP,
  declare,
  declarePrivate,
  httpSpec,
  INVENTORY,
  newTenant,
  revisionOf,
  serverOf,
  toRefusal,
  tokenOf,
  userView,
  type Admin,
} from '../support/grpc-admin/grpc-admin.js';
import { startLocalServer, type LocalServer } from '../support/grpc-admin/server.js';
import { createFollower, endOfCommit, type Follower } from '../support/grpc-admin/watch.js';
import { temporaryFolder } from '../support/storage/lmdb.js';

const ANA = userView('ana', ['g']);

let local: LocalServer;
let admin: Admin;

beforeAll(async () => {
  local = await startLocalServer({ flags: ['--heartbeat-interval', '100ms'] });
  ({ admin } = local);
});
afterAll(() => local[Symbol.asyncDispose]());
afterEach(() => expect(local.defects()).toEqual([]));

/** A watch that is open and complete, with all that it says. */
async function follow(
  tenant: string,
  view: View,
  token?: string,
): Promise<{
  readonly follower: Follower;
  readonly said: string[];
  readonly messages: WatchServersResponse[];
}> {
  const follower = createFollower(view, { tenant, ...(token === undefined ? {} : { token }) });
  follower.open(admin);
  onTestFinished(() => follower.close());
  const messages: WatchServersResponse[] = [];
  const said: string[] = [];
  follower.stream.on('data', (message: WatchServersResponse) => {
    messages.push(message);
    said.push(...describeMessage(message, tenant));
  });
  await follower.until(() => follower.seen.synced > 0);
  return { follower, said, messages };
}

/** A line for each thing it says; heartbeats, which come when they like, are left out. */
function describeMessage(response: WatchServersResponse, tenant: string): readonly string[] {
  const { message } = response;
  const end = endOfCommit(response);
  const ends = end === undefined ? [] : [`commit ${String(revisionOf(end.token, tenant))}`];
  switch (message?.$case) {
    case 'event': {
      const { type, server, cause } = message.value;
      const types = ['?', 'ADDED', 'MODIFIED', 'REMOVED', 'UNCHANGED'];
      const because = cause === Cause.CAUSE_UNSPECIFIED ? '' : ` by ${Cause[cause].slice(6)}`;
      return [`${types[type] ?? '?'} ${server?.name ?? ''}${because}`, ...ends];
    }
    case 'synced':
      return [`synced ${String(revisionOf(message.value.token, tenant))}`];
    case 'reset':
      return ['reset'];
    default:
      return ends;
  }
}

async function expectEqualToList(follower: Follower, tenant: string): Promise<void> {
  const list = await admin.list({ tenant, view: follower.view });
  await follower.reached(revisionOf(tokenOf(list), tenant));
  const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);
  expect([...follower.servers.values()].sort(byId)).toEqual(list.servers.toSorted(byId));
  expect(follower.faults).toEqual([]);
}

describe('WatchServers', () => {
  it('sends the view at one revision, then every change with its cause, in each view [W1, W3, W5]', async () => {
    const tenant = newTenant();
    const tools = await declare(admin, tenant, { name: 'tools' });
    const watches = await Promise.all([APP, ANA, INVENTORY].map((view) => follow(tenant, view)));
    const [app, ana, inventory] = watches;
    const { id, etag } = tools;
    await admin.update({ tenant, server: { id, etag, name: 'kit' } });
    const perUser = await declare(admin, tenant, { name: 'per-user', tier: Tier.TIER_USER });
    const own = await declarePrivate(admin, tenant, { owner: 'ana', name: 'own' });
    await declarePrivate(admin, tenant, { owner: 'bob', name: 'own' });
    await admin.update({
      tenant,
      server: { id: perUser.id, etag: perUser.etag, tier: Tier.TIER_APP },
    });
    await admin.remove({ tenant, id: own.id, etag: own.etag });
    for (const { follower } of watches) await expectEqualToList(follower, tenant);

    const snapshot = ['ADDED tools', 'synced 1'];
    expect(app!.said).toEqual([
      ...snapshot,
      ...['MODIFIED kit by UPDATE', 'commit 2'],
      ...['ADDED per-user by UPDATE', 'commit 6'],
    ]);
    expect(ana!.said).toEqual([
      ...snapshot,
      ...['MODIFIED kit by UPDATE', 'commit 2'],
      ...['ADDED per-user by CREATE', 'commit 3'],
      ...['ADDED own by CREATE', 'commit 4'],
      ...['MODIFIED per-user by UPDATE', 'commit 6'],
      ...['REMOVED own by DELETE', 'commit 7'],
    ]);
    expect(inventory!.said).toEqual([
      ...snapshot,
      ...['MODIFIED kit by UPDATE', 'commit 2'],
      ...['ADDED per-user by CREATE', 'commit 3'],
      ...['ADDED own by CREATE', 'commit 4'],
      ...['ADDED own by CREATE', 'commit 5'],
      ...['MODIFIED per-user by UPDATE', 'commit 6'],
      ...['REMOVED own by DELETE', 'commit 7'],
    ]);
  });

  it('shows a name that changes hands in one step [W4, R5]', async () => {
    const tenant = newTenant();
    const own = await declarePrivate(admin, tenant, { owner: 'ana', name: 'tools' });
    const { follower, said } = await follow(tenant, ANA);
    const shared = await declare(admin, tenant, { name: 'tools' });
    await follower.reached(2);
    expect([...follower.servers.keys()]).toEqual([shared.id]);
    await admin.remove({ tenant, id: shared.id, etag: shared.etag });
    await follower.reached(3);
    expect([...follower.servers.keys()]).toEqual([own.id]);
    expect(said).toEqual([
      ...['ADDED tools', 'synced 1'],
      ...['REMOVED tools by CREATE', 'ADDED tools by CREATE', 'commit 2'],
      ...['REMOVED tools by DELETE', 'ADDED tools by DELETE', 'commit 3'],
    ]);
    expect(follower.faults).toEqual([]);
  });

  it('tells nothing of what the view does not see, but that time goes on [W6, R7]', async () => {
    const tenant = newTenant();
    const { follower, said, messages } = await follow(tenant, ANA);
    const secret = await declarePrivate(admin, tenant, { owner: 'bob', name: 'secret' });
    const { id, etag } = secret;
    await admin.update({ tenant, server: { id, etag, name: 'secret-2' } });
    await follower.reached(2);
    expect(said).toEqual(['synced 0']);
    const text = JSON.stringify(messages);
    expect([text.includes(secret.id), text.includes('secret')]).toEqual([false, false]);
  });

  it('says nothing of a change that changes nothing [R4]', async () => {
    const tenant = newTenant();
    const server = await declare(admin, tenant, { name: 'tools' });
    const { follower, said } = await follow(tenant, APP);
    await admin.update({ tenant, server, updateMask: ['*'] });
    await declare(admin, tenant, { name: 'other' });
    await follower.reached(2);
    expect(said).toEqual(['ADDED tools', 'synced 1', 'ADDED other by CREATE', 'commit 2']);
  });

  it('beats, with a bookmark, the newest revision and the state of the replica [W6, W10]', async () => {
    const tenant = newTenant();
    const { follower, messages } = await follow(tenant, ANA);
    await follower.until(() => follower.seen.heartbeats >= 3);
    await declarePrivate(admin, tenant, { owner: 'bob', name: 'unseen' });
    await follower.reached(1);
    const beats = messages.flatMap(({ message }) =>
      message?.$case === 'heartbeat' ? [message.value] : [],
    );
    expect(beats.length).toBeGreaterThanOrEqual(4);
    for (const { token, newest, upstreamState } of beats) {
      expect(revisionOf(newest, tenant)).toBeGreaterThanOrEqual(revisionOf(token, tenant));
      expect(upstreamState).toBe(1);
    }
    expect(revisionOf(beats.at(-1)!.newest, tenant)).toBe(1);
    expect(follower.faults).toEqual([]);
  });

  it('names what the client holds already instead of sending it [W14]', async () => {
    const tenant = newTenant();
    const kept = await declare(admin, tenant, { name: 'kept' });
    const changed = await declare(admin, tenant, { name: 'changed' });
    const gone = await declare(admin, tenant, { name: 'gone' });
    const { follower } = await follow(tenant, ANA);
    const held = [kept, changed, gone];
    follower.close();
    await admin.update({ tenant, server: { id: changed.id, etag: changed.etag, name: 'new' } });
    await admin.remove({ tenant, id: gone.id, etag: gone.etag });

    const second = createFollower(ANA, { tenant });
    second.open(admin, held);
    onTestFinished(() => second.close());
    const said: string[] = [];
    second.stream.on('data', (message: WatchServersResponse) => {
      const lines = describeMessage(message, tenant);
      said.push(...lines);
      if (message.message?.$case === 'event' && lines[0] === 'UNCHANGED ') {
        const bare = { id: kept.id, name: '', spec: undefined };
        expect(message.message.value.server).toMatchObject(bare);
      }
    });
    await second.until(() => second.seen.synced > 0);
    expect(said.toSorted()).toEqual(['ADDED new', 'UNCHANGED ', 'synced 5']);
  });

  it('is refused beyond the limit of streams [W12]', async () => {
    await using small = await startLocalServer({ flags: ['--max-streams', '1'] });
    const first = createFollower(APP);
    first.open(small.admin);
    await first.until(() => first.seen.synced > 0);
    const second = createFollower(APP);
    second.open(small.admin);
    expect(toRefusal(await second.ended)).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      reason: 'TOO_MANY_STREAMS',
    });
    first.close();
  });
});

describe('a watch that is resumed', () => {
  it('goes on after its token, and only there [W2, W3, W7]', async () => {
    const tenant = newTenant();
    const { follower, said } = await follow(tenant, ANA);
    await declare(admin, tenant, { name: 'before' });
    await follower.reached(1);
    const { token } = follower;
    follower.close();
    await follower.ended;
    await declare(admin, tenant, { name: 'meanwhile' });
    await declarePrivate(admin, tenant, { owner: 'bob', name: 'unseen' });
    await declare(admin, tenant, { name: 'later' });
    said.length = 0;
    const again = await follow(tenant, ANA, token);
    await again.follower.until(() => again.follower.revision >= 4);
    await declare(admin, tenant, { name: 'live' });
    await again.follower.reached(5);
    expect(again.said).toEqual([
      'synced 1',
      ...['ADDED meanwhile by CREATE', 'commit 2'],
      ...['ADDED later by CREATE', 'commit 4'],
      ...['ADDED live by CREATE', 'commit 5'],
    ]);
    expect(again.follower.resets).toEqual([]);
  });

  it('goes on across a restart, from any kind of token [W7, R1]', async () => {
    const folder = await temporaryFolder();
    onTestFinished(() => folder.remove());
    const flags = ['--heartbeat-interval', '100ms'];
    const followers = [APP, ANA, INVENTORY].map((view) => createFollower(view));
    const tokens: string[] = [];
    {
      await using first = await startLocalServer({ dataDir: folder.path, flags });
      await declare(first.admin, 'default', { name: 'tools' });
      for (const follower of followers) {
        follower.open(first.admin);
        await follower.reached(1);
      }
      tokens.push(tokenOf(await first.admin.list({ view: APP })));
      await declare(first.admin, 'default', { name: 'more' });
      for (const follower of followers) await follower.reached(2);
      await declarePrivate(first.admin, 'default', { owner: 'bob', name: 'own' });
    }
    await using second = await startLocalServer({ dataDir: folder.path, flags });
    // The token of a list resumes a watch of the same view.
    const listed = createFollower(APP, { token: tokens[0]! });
    await declare(second.admin, 'default', { name: 'last' });
    for (const follower of [...followers, listed]) {
      follower.open(second.admin);
      await follower.reached(4);
      expect({ resets: follower.resets, faults: follower.faults }).toEqual({
        resets: [],
        faults: [],
      });
      follower.close();
    }
  });

  const history: Record<string, (tenant: string, head: Position) => string> = {
    EPOCH_CHANGED: (tenant, head) => encodeToken(tenant, { ...head, epoch: 'former' }, APP_VIEW),
    HISTORY_DIFFERS: (tenant, head) =>
      encodeToken(tenant, { ...head, fingerprint: 'other' }, APP_VIEW),
    'HISTORY_DIFFERS beyond the head': (tenant, head) =>
      encodeToken(tenant, { ...head, revision: head.revision + 1 }, APP_VIEW),
    VIEW_DIFFERS: (tenant, head) => encodeToken(tenant, head, domainView('ana')),
    'VIEW_DIFFERS for a token of a write': (tenant, head) => encodeToken(tenant, head),
    'TOO_OLD for a compacted place': (tenant, head) =>
      encodeToken(tenant, { ...head, revision: 1 }, APP_VIEW),
  };

  it.each(Object.keys(history))('is reset if it cannot go on: %s [W8, W14, P16]', async (what) => {
    const tenant = newTenant();
    const kept = await declare(admin, tenant, { name: 'kept' });
    await declare(admin, tenant, { name: 'other' });
    const catalog = await openLmdbCatalog({ dataDir: local.server.dataDir! });
    const head = await catalog.log.head(tenant);
    if (what.startsWith('TOO_OLD')) await catalog.log.compact(tenant, 2, { answersBefore: 0 });
    await catalog.close();
    const follower = createFollower(APP, { tenant, token: history[what]!(tenant, head) });
    onTestFinished(() => follower.close());
    follower.open(admin);
    await follower.until(() => follower.seen.synced > 0);
    expect(follower.resets).toEqual([what.split(' ')[0]]);
    await declare(admin, tenant, { name: 'live' });
    await expectEqualToList(follower, tenant);
    expect(follower.servers.get(kept.id)).toEqual(kept);
  });

  it('after a reset is told by id what it holds unchanged [W14]', async () => {
    const tenant = newTenant();
    const kept = await declare(admin, tenant, { name: 'kept' });
    const { follower } = await follow(tenant, APP);
    follower.close();
    const other = createFollower(userView('ana'), { tenant, token: follower.token });
    onTestFinished(() => other.close());
    other.open(admin, [kept]);
    await other.until(() => other.seen.synced > 0);
    expect([other.resets, other.seen.unchanged]).toEqual([['VIEW_DIFFERS'], 1]);
  });
});

it('keeps what a spec says, byte for byte, on all ways', async () => {
  const tenant = newTenant();
  const spec = httpSpec('https://tools.example/mcp?q=${secret:KEY}', {
    title: 'ünïcödé 🙂',
    description: 'line\nbreak\ttab \u2028 $${literal}',
    annotations: new Map([['a/b', '  spaced  ']]),
    timeouts: { connect: { seconds: 0, nanos: 1_500_000 } },
  });
  const created = await declare(admin, tenant, { name: '名前 🙂', spec });
  const { follower } = await follow(tenant, APP);
  const got = serverOf(
    await admin.get({ tenant, view: APP, key: { $case: 'name', value: '名前 🙂' } }),
  );
  expect(got).toEqual(created);
  expect(follower.servers.get(created.id)).toEqual(created);
  expect(got.spec).toMatchObject({
    title: spec.title,
    description: spec.description,
    annotations: spec.annotations,
    transport: spec.transport,
  });
  expect(got.spec!.timeouts!.connect).toEqual({ seconds: 0, nanos: 1_500_000 });
});
