import { describe, expect, it } from 'vitest';
import { SwitchboardError } from '../../../src/domain/errors.js';
import { userView, type UserView } from '../../../src/domain/view.js';
import { eventually } from '../../support/eventually.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import { grant } from '../../support/services/access.js';
import { apply, itemOf } from '../../support/services/apply.js';
import { HOUR_MS, loadingFrom, ScriptedSource } from '../../support/loads/scripted-source.js';
import {
  create,
  get,
  openWorld,
  page,
  requestOf,
  TENANT,
  type Replica,
} from '../../support/services/world.js';
import { reasonOf } from '../../support/reason-of.js';

// Loads beside each other, and beside what else is written.

useFakeIntervals();

const ana = userView('ana');
const users = (count: number): readonly UserView[] =>
  Array.from({ length: count }, (_, at) => userView(`u${String(at)}`));

const names = async (replica: Replica, view: UserView): Promise<readonly string[]> =>
  (await page(replica, view)).value.servers.map(({ record }) => record.name);

const statusOf = async ({ services }: Replica, user: string) =>
  (await services.getPrivateLoadStatus(requestOf(), { user })).value;

const reload = ({ services }: Replica, user: string) =>
  services.loadPrivateServers(requestOf(), { user, force: true });

const turns = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

/** A source that notes how many questions it had at once. */
class CountingSource extends ScriptedSource {
  running = 0;
  most = 0;

  override async load(...asked: Parameters<ScriptedSource['load']>) {
    this.running += 1;
    this.most = Math.max(this.most, this.running);
    try {
      await new Promise((resolve) => setImmediate(resolve));
      return await super.load(...asked);
    } finally {
      this.running -= 1;
    }
  }
}

describe('many users at once', () => {
  it('ask the source once each, and no more at once than it may be asked [D35, L1]', async () => {
    await using world = await openWorld();
    const source = new CountingSource();
    const all = users(120);
    for (const { user } of all) source.set(user, { rowId: `of-${user}` });
    const privateLoads = await loadingFrom(source, { concurrency: 4 });
    const replica = await world.replica({ privateLoads });
    const readers = [...all, ...all, ...all].map((view) => names(replica, view));
    expect((await Promise.all(readers)).slice(0, all.length)).toEqual(
      all.map(({ user }) => [`of-${user}`]),
    );
    expect([source.asked.length, source.most]).toEqual([all.length, 4]);

    // All of them become too old in the same moment.
    replica.clock.now += HOUR_MS;
    await Promise.all(all.map((view) => names(replica, view)));
    expect([source.asked.length, source.most]).toEqual([2 * all.length, 4]);
  });

  it('are tried no more often because more of them wait while the source is down [D35]', async () => {
    await using world = await openWorld();
    const source = new ScriptedSource();
    source.failure = new SwitchboardError('SOURCE_UNAVAILABLE');
    const replica = await world.replica({ privateLoads: await loadingFrom(source) });
    for (let round = 0; round < 5; round += 1) {
      const reads = users(20).map((view) => reasonOf(page(replica, view)));
      expect(new Set(await Promise.all(reads))).toEqual(new Set(['SOURCE_UNAVAILABLE']));
    }
    expect(source.asked.length).toBe(20);
  });

  it('of one name each are loaded each by itself [D1]', async () => {
    await using world = await openWorld();
    const source = new ScriptedSource();
    const row = (user: string, host: string) => ({
      rowId: `row-of-${user}`,
      name: 'github',
      url: `https://${host}.example/mcp`,
    });
    source.set('ana', row('ana', 'ana'));
    source.set('bob', row('bob', 'bob'));
    const replica = await world.replica({ privateLoads: await loadingFrom(source) });
    const before = (await get(replica, userView('bob'), { name: 'github' })).value.record;
    await names(replica, ana);
    source.set('ana', row('ana', 'new'));
    await reload(replica, 'ana');
    source.set('ana');
    await reload(replica, 'ana');
    expect(await names(replica, ana)).toEqual([]);
    expect((await get(replica, userView('bob'), { name: 'github' })).value.record).toEqual(before);
  });
});

describe('a user whose load found nothing', () => {
  it('sees what is granted afterwards at once, and keeps it through loads [D10]', async () => {
    await using world = await openWorld();
    const source = new ScriptedSource();
    const replica = await world.replica({ privateLoads: await loadingFrom(source) });
    expect(await names(replica, ana)).toEqual([]);
    expect((await statusOf(replica, 'ana')).serverCount).toBe(0);
    const { value: record } = await create(replica, { name: 'files', owner: 'bob' });
    await grant(replica, record, { subjects: ['user:ana'] });
    expect(await names(replica, ana)).toEqual(['files']);
    await reload(replica, 'ana');
    expect(await names(replica, ana)).toEqual(['files']);
    expect(source.asked).toEqual(['ana', 'ana']);
  });
});

describe('what was loaded', () => {
  it('outlives a start and a file that is applied again with prune [D25]', async () => {
    await using world = await openWorld();
    const source = new ScriptedSource();
    source.set('ana', { rowId: 'notes' });
    const first = await world.replica({ privateLoads: await loadingFrom(source) });
    await names(first, ana);
    const items = [itemOf({ name: 'shared' })];
    await apply(first, items, { prune: true });
    const second = await world.replica({ privateLoads: await loadingFrom(source) });
    await apply(second, items, { prune: true });
    await apply(second, [], { prune: true });
    expect(await names(second, ana)).toEqual(['notes']);
    expect(source.asked).toEqual(['ana']);
  });
});

describe('a source that is down', () => {
  it('takes nothing from users who are loaded until that is too old, nor shared names then [P25, F3]', async () => {
    await using world = await openWorld();
    const source = new ScriptedSource();
    source.set('ana', { rowId: 'notes' });
    const replica = await world.replica({ privateLoads: await loadingFrom(source) });
    await create(replica, { name: 'search' });
    expect(await names(replica, ana)).toEqual(['notes', 'search']);
    source.failure = new SwitchboardError('SOURCE_UNAVAILABLE');
    for (const part of [0.5, 0.85, 0.99]) {
      replica.clock.now = part * HOUR_MS;
      expect(await names(replica, ana)).toEqual(['notes', 'search']);
      await turns();
    }
    expect(source.asked.length).toBe(3);
    replica.clock.now = HOUR_MS;
    expect(await reasonOf(page(replica, ana))).toBe('SOURCE_UNAVAILABLE');
    expect(await reasonOf(get(replica, ana, { name: 'notes' }))).toBe('SOURCE_UNAVAILABLE');
    expect(await reasonOf(get(replica, ana, { name: 'search' }))).toBe('done');
    source.failure = undefined;
    replica.clock.now += 120_000;
    expect(await names(replica, ana)).toEqual(['notes', 'search']);
  });
});

describe('reading', () => {
  it('for users writes nothing where no source is, however many they are [D28]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    await create(replica, { name: 'files', owner: 'bob' });
    for (const view of users(50)) expect(await names(replica, view)).toEqual([]);
    expect((await world.catalog.log.head(TENANT)).revision).toBe(1);
    const subjects = users(50).map(({ user }) => user);
    expect((await world.catalog.projections.loadRecords(TENANT, subjects)).value).toEqual([]);
  });
});

describe('how far a user is loaded', () => {
  it('can be asked at every point, and asking loads nothing [D38]', async () => {
    await using world = await openWorld();
    const source = new ScriptedSource();
    const wallClock = () => 1_000_000;
    const privateLoads = await loadingFrom(source);
    const replica = await world.replica({ privateLoads, wallClock });
    const tell = async () => {
      const { state, loading, failure, nextAttemptTime } = await statusOf(replica, 'ana');
      return { state, loading, failed: failure?.reason, nextAttemptTime };
    };
    const nothing = { loading: false, failed: undefined, nextAttemptTime: undefined };
    expect(await tell()).toEqual({ ...nothing, state: 'cold' });
    expect(source.asked).toEqual([]);
    source.held = [];
    const first = reasonOf(page(replica, ana));
    await eventually(() => {
      expect(source.held).toHaveLength(1);
    });
    expect(await tell()).toEqual({ ...nothing, state: 'cold', loading: true });
    source.held[0]?.fail(new SwitchboardError('SOURCE_UNAVAILABLE'));
    expect(await first).toBe('SOURCE_UNAVAILABLE');
    await turns();
    expect(await tell()).toEqual({
      state: 'cold',
      loading: false,
      failed: 'SOURCE_UNAVAILABLE',
      nextAttemptTime: 1_000_800,
    });
    source.held = undefined;
    await reload(replica, 'ana');
    expect(await tell()).toEqual({ ...nothing, state: 'loaded' });
    const change = { user: 'ana', requestId: '', reason: '' };
    await replica.services.invalidateUser(requestOf(), change);
    expect(await tell()).toEqual({ ...nothing, state: 'invalidated' });
    await replica.services.purgeUser(requestOf(), { ...change, validateOnly: false });
    expect(await tell()).toEqual({ ...nothing, state: 'purged' });
    expect(source.asked).toEqual(['ana', 'ana']);
  });
});
