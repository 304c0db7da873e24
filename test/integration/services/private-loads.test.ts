import { describe, expect, it, vi } from 'vitest';
import { SwitchboardError } from '../../../src/domain/errors.js';
import { userView, type UserView } from '../../../src/domain/view.js';
import type { PrivateSourcePolicy } from '../../../src/services/private-loads/private-source.js';
import { openMemoryLeases } from '../../../src/storage/leases/memory/memory-leases.js';
import { eventually } from '../../support/eventually.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import { HOUR_MS, loadingFrom, ScriptedSource } from '../../support/loads/scripted-source.js';
import {
  create,
  get,
  openWorld,
  page,
  requestOf,
  type Replica,
  type World,
} from '../../support/services/world.js';
import { reasonOf } from '../../support/reason-of.js';

useFakeIntervals();

const ana = userView('ana');
const bob = userView('bob');

async function open(
  world: World,
  policy: Partial<PrivateSourcePolicy> = {},
): Promise<{ readonly replica: Replica; readonly source: ScriptedSource }> {
  const source = new ScriptedSource();
  const replica = await world.replica({ privateLoads: await loadingFrom(source, policy) });
  return { replica, source };
}

async function names(replica: Replica, view: UserView): Promise<readonly string[]> {
  const { value } = await page(replica, view);
  return value.servers.map(({ record }) => record.name);
}

const load = ({ services }: Replica, user: string, force = false) =>
  services.loadPrivateServers(requestOf(), { user, force });

const invalidate = ({ services }: Replica, user: string) =>
  services.invalidateUser(requestOf(), { user, requestId: '', reason: '' });

const purge = ({ services }: Replica, user: string, requestId = '', validateOnly = false) =>
  services.purgeUser(requestOf(), { user, requestId, reason: '', validateOnly });

const statusOf = async ({ services }: Replica, user: string) =>
  (await services.getPrivateLoadStatus(requestOf(), { user })).value;

/** Lets everything that can go on without the test go on. */
const turns = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

const untilAsked = (source: ScriptedSource, count: number): Promise<void> =>
  eventually(() => {
    expect(source.asked.length).toBeGreaterThanOrEqual(count);
  });

describe('a user who shows up', () => {
  it('is loaded by the first read, and answered from memory from then on', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    source.set('ana', { rowId: 'notes' }, { rowId: 'files' });
    expect(await names(replica, ana)).toEqual(['files', 'notes']);
    const { record } = (await get(replica, ana, { name: 'notes' })).value;
    expect(record).toMatchObject({
      tier: 'PRIVATE',
      owner: 'ana',
      externalId: 'notes',
      privateSource: 'app-db',
    });
    expect(source.asked).toEqual(['ana']);
  });

  it('is asked for once, however many load at once [L1, D22]', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    source.set('ana', { rowId: 'notes' });
    source.held = [];
    const all = Array.from({ length: 200 }, (_, index) =>
      index % 2 === 0 ? load(replica, 'ana') : page(replica, ana),
    );
    await untilAsked(source, 1);
    await turns();
    source.release();
    await Promise.all(all);
    expect(source.asked).toEqual(['ana']);
    expect((await statusOf(replica, 'ana')).serverCount).toBe(1);
  });

  it('is asked for once also when it shows up at two replicas [L1]', async () => {
    await using world = await openWorld();
    const source = new ScriptedSource();
    source.set('ana', { rowId: 'notes' });
    source.held = [];
    const leases = openMemoryLeases();
    const near = await world.replica({ privateLoads: await loadingFrom(source, {}, leases) });
    const far = await world.replica({ privateLoads: await loadingFrom(source, {}, leases) });
    const both = [names(near, ana), names(far, ana)];
    await untilAsked(source, 1);
    await turns();
    source.release();
    expect(await Promise.all(both)).toEqual([['notes'], ['notes']]);
    expect(source.asked).toEqual(['ana']);
  });

  it('with zero servers is loaded, and not asked for again [L5]', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    expect((await statusOf(replica, 'ana')).state).toBe('cold');
    expect(await names(replica, ana)).toEqual([]);
    expect(await names(replica, ana)).toEqual([]);
    expect(source.asked).toEqual(['ana']);
    expect(await statusOf(replica, 'ana')).toMatchObject({ state: 'loaded', serverCount: 0 });
  });

  it('needs no load for a shared server, which takes the name anyway', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    await create(replica, { name: 'search' });
    source.failure = new SwitchboardError('SOURCE_UNAVAILABLE');
    expect((await get(replica, ana, { name: 'search' })).value.record.name).toBe('search');
    expect(await reasonOf(get(replica, ana, { name: 'notes' }))).toBe('SOURCE_UNAVAILABLE');
  });

  it('is loaded at another replica without asking: that it was loaded is in the log [L5]', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    source.set('ana', { rowId: 'notes' });
    await names(replica, ana);
    const other = await world.replica({ privateLoads: await loadingFrom(source) });
    expect(await names(other, ana)).toEqual(['notes']);
    expect(source.asked).toEqual(['ana']);
  });
});

describe('a load that fails', () => {
  it('wakes all who wait with the reason, and is not tried again at once [L4, P26, D21, D38]', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    source.held = [];
    const all = Array.from({ length: 20 }, () => reasonOf(page(replica, ana)));
    await untilAsked(source, 1);
    source.held[0]?.fail(new SwitchboardError('SOURCE_UNAVAILABLE', 'no route'));
    expect(new Set(await Promise.all(all))).toEqual(new Set(['SOURCE_UNAVAILABLE']));
    source.release();
    const again = await page(replica, ana).catch((error: unknown) => error);
    expect(again).toMatchObject({ reason: 'SOURCE_UNAVAILABLE', message: 'no route' });
    expect((again as SwitchboardError).retryDelayMs).toBeGreaterThan(0);
    expect(source.asked).toEqual(['ana']);
    expect((await statusOf(replica, 'ana')).failure?.reason).toBe('SOURCE_UNAVAILABLE');

    replica.clock.now += 1_001;
    expect(await names(replica, ana)).toEqual([]);
    expect((await statusOf(replica, 'ana')).failure).toBeUndefined();
  });

  it('concerns no other user [C7]', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    source.held = [];
    const slow = page(replica, ana).catch((error: unknown) => error);
    await untilAsked(source, 1);
    const waiting = source.held;
    source.held = undefined;
    expect(await names(replica, bob)).toEqual([]);
    waiting[0]?.fail(new SwitchboardError('SOURCE_UNAVAILABLE'));
    expect(await slow).toMatchObject({ reason: 'SOURCE_UNAVAILABLE' });
    expect(await names(replica, bob)).toEqual([]);
  });

  it('of which one gives up waiting goes on for the others [L4, D19]', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    source.set('ana', { rowId: 'notes' });
    source.held = [];
    const impatient = new AbortController();
    const context = requestOf({ signal: impatient.signal });
    const first = replica.services.loadPrivateServers(context, { user: 'ana', force: false });
    const second = names(replica, ana);
    await untilAsked(source, 1);
    impatient.abort(new SwitchboardError('DEADLINE_EXCEEDED'));
    expect(await reasonOf(first)).toBe('DEADLINE_EXCEEDED');
    source.release();
    expect(await second).toEqual(['notes']);
    expect(source.asked).toEqual(['ana']);
  });

  it('is tried again without waiting when it is forced', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    source.failure = new SwitchboardError('SOURCE_UNAVAILABLE');
    expect(await reasonOf(page(replica, ana))).toBe('SOURCE_UNAVAILABLE');
    source.failure = undefined;
    expect((await load(replica, 'ana', true)).value.state).toBe('loaded');
  });
});

describe('a load that was overtaken', () => {
  it('by an invalidation is thrown away, and made again [L3, P22, D6, D7]', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    source.set('ana', { rowId: 'old' });
    source.held = [];
    const read = names(replica, ana);
    await untilAsked(source, 1);
    source.set('ana', { rowId: 'new' });
    await invalidate(replica, 'ana');
    source.release();
    expect(await read).toEqual(['new']);
    expect(source.asked).toEqual(['ana', 'ana']);
  });

  it('by a newer load of a replica that has no lease never comes back [L1, L3, P22, D7, D17, D18]', async () => {
    await using world = await openWorld();
    const source = new ScriptedSource();
    source.set('ana', { rowId: 'old' });
    // Leases of their own: as if the lease of the first had been lost while it was paused.
    const paused = await world.replica({ privateLoads: await loadingFrom(source) });
    const other = await world.replica({ privateLoads: await loadingFrom(source) });
    source.held = [];
    const late = load(paused, 'ana');
    await untilAsked(source, 1);
    const held = source.held;
    source.held = undefined;
    source.set('ana', { rowId: 'new' });
    expect(await names(other, ana)).toEqual(['new']);
    held[0]?.answer();
    await late;
    expect(await names(paused, ana)).toEqual(['new']);
    expect(await names(other, ana)).toEqual(['new']);
  });

  it('brings no old state back of a server that two users share [L3, P22, P24, D7]', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    const row = (url: string) => ({ rowId: 'shared', owner: 'bob', url });
    source.set('ana', row('https://old.example/mcp'));
    source.held = [];
    const slow = names(replica, ana);
    await untilAsked(source, 1);
    const held = source.held;
    source.held = undefined;
    source.set('ana', row('https://new.example/mcp'));
    source.set('bob', row('https://new.example/mcp'));
    expect(await names(replica, bob)).toEqual(['shared']);
    held[0]?.answer();
    expect(await slow).toEqual(['shared']);
    for (const view of [ana, bob]) {
      const { record } = (await get(replica, view, { name: 'shared' })).value;
      expect(record.spec.transport).toMatchObject({ url: 'https://new.example/mcp' });
      expect(record.owner).toBe('bob');
    }
  });

  it('gives up after having been overtaken again and again, and says so', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    const load = source.load.bind(source);
    vi.spyOn(source, 'load').mockImplementation(async (...asked) => {
      const rows = await load(...asked);
      await invalidate(replica, 'ana');
      return rows;
    });
    expect(await reasonOf(page(replica, ana))).toBe('LOAD_CONFLICT');
  });
});

describe('a reload', () => {
  it('replaces the scope in one step: never empty, never a part [L2, D23]', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    const generation = (count: number) =>
      Array.from({ length: 5 }, (_, index) => ({
        rowId: `row-${String(index)}-${String(count % 2)}`,
        name: `name-${String(index)}`,
        url: `https://${String(count)}.example/mcp`,
      }));
    source.set('ana', ...generation(0));
    await names(replica, ana);
    const state = { over: false };
    const reader = (async (): Promise<number> => {
      let reads = 0;
      while (!state.over) {
        const { value } = await page(replica, ana);
        const urls = value.servers.map(({ record }) => JSON.stringify(record.spec.transport));
        expect(value.servers.length).toBe(5);
        expect(new Set(urls).size).toBe(1);
        reads += 1;
        await new Promise((resolve) => setImmediate(resolve));
      }
      return reads;
    })();
    const reloads = Number(process.env['SWITCHBOARD_RELOADS'] ?? 100);
    for (let count = 1; count <= reloads; count += 1) {
      source.set('ana', ...generation(count));
      await load(replica, 'ana', true);
    }
    state.over = true;
    expect(await reader).toBeGreaterThan(reloads / 2);
    expect(source.asked.length).toBe(reloads + 1);
  });

  it('by force is one that began after it was asked for [P26]', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    source.set('ana', { rowId: 'old' });
    source.held = [];
    const first = load(replica, 'ana');
    await untilAsked(source, 1);
    source.set('ana', { rowId: 'new' });
    const forced = [load(replica, 'ana', true), load(replica, 'ana', true)];
    await turns();
    source.release();
    await Promise.all([first, ...forced]);
    expect(await names(replica, ana)).toEqual(['new']);
    expect(source.asked).toEqual(['ana', 'ana']);
  });

  it('is made behind the old scope before it is too old [L5, P25, D26]', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    source.set('ana', { rowId: 'old' });
    await names(replica, ana);
    source.set('ana', { rowId: 'new' });
    replica.clock.now += 0.79 * HOUR_MS;
    expect(await names(replica, ana)).toEqual(['old']);
    await turns();
    expect(source.asked).toEqual(['ana']);

    source.held = [];
    replica.clock.now += 0.02 * HOUR_MS;
    expect(await names(replica, ana)).toEqual(['old']);
    await untilAsked(source, 2);
    expect(await names(replica, ana)).toEqual(['old']);
    source.release();
    await eventually(async () => {
      expect(await names(replica, ana)).toEqual(['new']);
    });
  });

  it('is waited for when the old scope has become too old [L5]', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    source.set('ana', { rowId: 'old' });
    await names(replica, ana);
    source.set('ana', { rowId: 'new' });
    replica.clock.now += HOUR_MS;
    expect(await names(replica, ana)).toEqual(['new']);
  });

  it('that found nothing new moves no etag and no server, but the age [P23, D23]', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    source.set('ana', { rowId: 'notes' });
    await names(replica, ana);
    const before = (await get(replica, ana, { name: 'notes' })).value.record;
    const { position } = await load(replica, 'ana', true);
    expect((await get(replica, ana, { name: 'notes' })).value.record).toEqual(before);
    expect(position.revision).toBe(2);
    expect((await statusOf(replica, 'ana')).revision).toBe(2);
  });
});

describe('rows of a source', () => {
  it('that are wrong are named and left out, and the others are there [C7, D36, D38]', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    await create(replica, { name: 'mine', tier: 'PRIVATE', owner: 'ana' });
    source.set(
      'ana',
      { rowId: 'good' },
      { rowId: 'broken', content: new SwitchboardError('ROW_BROKEN', 'no url') },
      { rowId: 'unnamed', name: '' },
      { rowId: 'twin', url: 'https://a.example/mcp' },
      { rowId: 'twin', url: 'https://b.example/mcp' },
      { rowId: 'taken', name: 'mine' },
      { rowId: '', name: 'anonymous' },
    );
    expect(await names(replica, ana)).toEqual(['good', 'mine']);
    const { refused, refusedCount, serverCount } = await statusOf(replica, 'ana');
    expect(serverCount).toBe(1);
    expect(refusedCount).toBe(6);
    expect(refused.map(({ rowId, reason }) => [rowId, reason])).toEqual([
      ['broken', 'ROW_BROKEN'],
      ['unnamed', 'INVALID_FIELD'],
      ['twin', 'ROW_CONTRADICTS'],
      ['twin', 'ROW_CONTRADICTS'],
      ['', 'INVALID_FIELD'],
      ['taken', 'NAME_TAKEN'],
    ]);
  });

  it('of other owners are taken only from a source that may speak for them [P24]', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world, { foreignOwners: false });
    source.set('ana', { rowId: 'own' }, { rowId: 'of-bob', owner: 'bob' });
    expect(await names(replica, ana)).toEqual(['own']);
    expect((await statusOf(replica, 'ana')).refused[0]?.reason).toBe('ROW_NOT_ALLOWED');
  });

  it('that a user loses sight of leave the owner and others alone [P24]', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    const carol = userView('carol');
    const row = { rowId: 'shared', owner: 'bob' };
    for (const user of ['ana', 'bob', 'carol']) source.set(user, row);
    for (const view of [ana, bob, carol]) expect(await names(replica, view)).toEqual(['shared']);
    source.set('ana');
    await load(replica, 'ana', true);
    expect(await names(replica, ana)).toEqual([]);
    expect(await names(replica, bob)).toEqual(['shared']);
    expect(await names(replica, carol)).toEqual(['shared']);
  });

  it('that come back have the id that they had, and a newer version', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    source.set('ana', { rowId: 'notes' });
    await names(replica, ana);
    const before = (await get(replica, ana, { name: 'notes' })).value.record;
    source.set('ana');
    await load(replica, 'ana', true);
    expect(await names(replica, ana)).toEqual([]);
    source.set('ana', { rowId: 'notes' });
    await load(replica, 'ana', true);
    const after = (await get(replica, ana, { name: 'notes' })).value.record;
    expect(after.id).toBe(before.id);
    expect(after.generation).toBe(3);
    expect(after.etag).not.toBe(before.etag);
  });
});

describe('a purge', () => {
  it('takes what the user had, and nothing is loaded until a load is forced [P27]', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    source.set('ana', { rowId: 'own' }, { rowId: 'of-bob', owner: 'bob' });
    source.set('bob', { rowId: 'of-bob', owner: 'bob' });
    await create(replica, { name: 'mine', tier: 'PRIVATE', owner: 'ana' });
    await names(replica, ana);
    const wanted = { deletedCount: 2, revokedCount: 1 };
    expect((await purge(replica, 'ana', '', true)).value).toEqual(wanted);
    expect(await names(replica, ana)).toEqual(['mine', 'of-bob', 'own']);
    expect((await purge(replica, 'ana', 'p-1')).value).toEqual(wanted);
    expect((await purge(replica, 'ana', 'p-1')).value).toEqual(wanted);
    expect(await names(replica, ana)).toEqual([]);
    expect(await names(replica, bob)).toEqual(['of-bob']);
    expect(await reasonOf(load(replica, 'ana'))).toBe('USER_PURGED');
    replica.clock.now += 2 * HOUR_MS;
    expect(await names(replica, ana)).toEqual([]);
    expect(source.asked).toEqual(['ana', 'bob']);
    expect((await statusOf(replica, 'ana')).state).toBe('purged');

    await load(replica, 'ana', true);
    expect(await names(replica, ana)).toEqual(['of-bob', 'own']);
  });

  it('that is repeated answers the same, and takes nothing that the user got since [R3]', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    source.set('ana', { rowId: 'own' });
    await names(replica, ana);
    const first = await purge(replica, 'ana', 'p-1');
    await load(replica, 'ana', true);
    await create(replica, { name: 'mine', tier: 'PRIVATE', owner: 'ana' });
    const second = await purge(replica, 'ana', 'p-1');
    expect([second.value, second.position]).toEqual([first.value, first.position]);
    expect(await names(replica, ana)).toEqual(['mine', 'own']);
  });

  it('of much goes in several commits, and is completed by a repetition [P27, R3]', async () => {
    await using world = await openWorld();
    const { replica } = await open(world);
    const notes = Array.from({ length: 20 }, (_, n) => [`note-${String(n)}`, 'x'.repeat(15_000)]);
    const spec = { annotations: Object.fromEntries(notes) as Record<string, string> };
    for (const name of ['a', 'b', 'c', 'd', 'e'])
      await create(replica, { name, tier: 'PRIVATE', owner: 'ana', spec });
    const before = (await page(replica, bob)).position.revision;
    const first = await purge(replica, 'ana', 'p-1');
    expect(first.value).toEqual({ deletedCount: 5, revokedCount: 0 });
    expect(first.position.revision).toBe(before + 2);
    const again = await purge(replica, 'ana', 'p-1');
    expect([again.value, again.position]).toEqual([first.value, first.position]);
  });

  it('throws a load away that is under way [L3, P27, D6]', async () => {
    await using world = await openWorld();
    const { replica, source } = await open(world);
    source.set('ana', { rowId: 'own' });
    source.held = [];
    const read = names(replica, ana);
    await untilAsked(source, 1);
    await purge(replica, 'ana');
    source.release();
    expect(await read).toEqual([]);
    expect((await statusOf(replica, 'ana')).state).toBe('purged');
  });
});

describe('who may not', () => {
  it('is refused: blank users, readers who force a load', async () => {
    await using world = await openWorld();
    const { replica } = await open(world);
    const { services } = replica;
    const reader = requestOf({
      caller: { principal: 'p', tenants: undefined, roles: ['reader'] },
    });
    expect(await reasonOf(load(replica, ' '))).toBe('INVALID_FIELD');
    expect(await reasonOf(invalidate(replica, ''))).toBe('INVALID_FIELD');
    expect(await reasonOf(purge(replica, ' '))).toBe('INVALID_FIELD');
    const forced = services.loadPrivateServers(reader, { user: 'a', force: true });
    expect(await reasonOf(forced)).toBe('PERMISSION_DENIED');
  });
});

describe('without a private source', () => {
  it('the Catalog is the source: everybody is loaded, and nothing is written', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    expect((await load(replica, 'ana')).value).toMatchObject({ state: 'loaded', source: '' });
    expect((await invalidate(replica, 'ana')).position.revision).toBe(0);
  });
});
