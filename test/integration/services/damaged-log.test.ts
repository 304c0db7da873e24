import { describe, expect, it } from 'vitest';
import { APP_VIEW, INVENTORY_VIEW, userView } from '../../../src/domain/view.js';
import { eventually } from '../../support/eventually.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import type { SyncFrame, WatchFrame } from '../../support/services/encoders.js';
import { decodeFrames, type RecordingSink } from '../../support/services/sinks.js';
import {
  create,
  listed,
  openNode,
  openWorld,
  page,
  passTime,
  project,
  TENANT,
  tokenOf,
  watch,
} from '../../support/services/world.js';
import { DAMAGES, damageable } from '../../support/storage/damaged.js';
import { withMethods } from '../../support/storage/reads.js';
import { passFailingSeconds } from '../../support/services/failing-seconds.js';

useFakeIntervals();

const ANA = userView('ana');
const BOB = userView('bob');
const OTHER = 'globex';
const damagedAfter = (revision: number) => ({
  reason: 'CATALOG_UNAVAILABLE',
  message: expect.stringContaining(`damaged after revision ${String(revision)}`) as string,
});

const framesOf = (sink: RecordingSink) => decodeFrames<WatchFrame | SyncFrame>(sink);

/** What a stream has shown apart from heartbeats, and how sure it was in the end. */
function shownBy(sink: RecordingSink): readonly (WatchFrame | SyncFrame)[] {
  return framesOf(sink).filter(({ kind }) => kind !== 'heartbeat');
}

function stateOf(sink: RecordingSink): string | undefined {
  return framesOf(sink).findLast((frame) => frame.kind === 'heartbeat')?.upstream;
}

describe('a tenant whose log is damaged', () => {
  it.each(DAMAGES)('stays where it is until it is repaired: %s [P29, W11, C7]', async (how) => {
    await using world = await openWorld();
    const writer = await world.replica();
    for (const name of ['first', 'second']) await create(writer, { name, owner: 'ana' });
    await create(writer, { name: 'of another tenant' }, { tenant: OTHER });
    const { catalog, damage, repair } = damageable(world.catalog, TENANT);
    // Its nodes acknowledge nothing.
    const replica = await world.replica({ catalog, watchLimits: { ackMs: 3_600_000 } });
    const [user, inventory] = [watch(replica, ANA), watch(replica, INVENTORY_VIEW)];
    await Promise.all([user.live, inventory.live]);
    const node = openNode(replica, new Map([['s1', ANA]]));
    await eventually(() => {
      expect(framesOf(node.sink).map(({ kind }) => kind)).toContain('synced');
    });
    const streams = [user.sink, inventory.sink, node.sink];
    const shown = streams.map(shownBy);
    const { position, value } = await page(replica, ANA);

    damage(3, how);
    const third = await create(writer, { name: 'third', owner: 'ana' });
    await create(writer, { name: 'fourth', owner: 'ana' });
    await create(writer, { name: 'later' }, { tenant: OTHER });
    await passFailingSeconds(replica, 30);
    expect(await page(replica, ANA)).toMatchObject({
      position,
      value,
      upstream: { state: 'degraded' },
    });
    expect(streams.map(shownBy)).toEqual(shown);
    expect(streams.map(stateOf)).toEqual(streams.map(() => 'degraded'));
    await expect(listed(replica, ANA, tokenOf(third.position))).rejects.toMatchObject(
      damagedAfter(2),
    );
    expect(replica.errors.at(-1)).toMatchObject({ errors: [damagedAfter(2)] });
    await passFailingSeconds(replica, 40);
    for (const sink of streams) {
      expect(sink.ended?.error).toMatchObject({ reason: 'CATALOG_UNAVAILABLE' });
    }
    expect(streams.map(shownBy)).toEqual(shown);

    repair();
    await eventually(async () => {
      passTime(replica, 1_000);
      const { value: now, upstream } = await page(replica, ANA);
      expect([now.servers.length, upstream.state]).toEqual([4, 'following']);
    });
    const after = watch(replica, ANA, { resumeToken: tokenOf(position, ANA) });
    await after.live;
    expect(shownBy(after.sink).filter(({ kind }) => kind === 'event')).toHaveLength(2);
    expect(shownBy(after.sink).map(({ kind }) => kind)).not.toContain('reset');
    after.sink.disconnect();
  });

  it.each(DAMAGES)('is not replayed to a stream that resumes before it: %s [W8]', async (how) => {
    await using world = await openWorld();
    const writer = await world.replica();
    const first = await create(writer, { name: 'first', owner: 'ana' });
    for (const name of ['second', 'third']) await create(writer, { name, owner: 'ana' });
    await project(world);
    const { catalog, damage, repair } = damageable(world.catalog, TENANT);
    const replica = await world.replica({ catalog });
    expect((await listed(replica, ANA)).size).toBe(3);

    damage(2, how);
    const resumeToken = tokenOf(first.position, ANA);
    const damaged = watch(replica, ANA, { resumeToken });
    await expect(endOf(damaged)).resolves.toMatchObject(damagedAfter(1));
    expect(shownBy(damaged.sink).map(({ kind }) => kind)).toEqual(['synced']);

    repair();
    const repaired = watch(replica, ANA, { resumeToken });
    await repaired.live;
    expect(shownBy(repaired.sink).filter(({ kind }) => kind === 'event')).toHaveLength(2);
    repaired.sink.disconnect();
  });

  it.each(DAMAGES)('is not joined by what lags behind it: %s [P8, P29]', async (how) => {
    await using world = await openWorld();
    const writer = await world.replica();
    for (const name of ['first', 'second', 'third']) await create(writer, { name, owner: 'bob' });
    await project(world);
    const { catalog, damage, repair } = damageable(world.catalog, TENANT);
    const { projections } = catalog;
    const lagging = withMethods(catalog, {
      // What it returns is true, but it says that it may lack the later commits.
      privateServers: async (...args) => ({
        ...(await projections.privateServers(...args)),
        from: 1,
      }),
    });
    const replica = await world.replica({ catalog: lagging });
    expect((await listed(replica, APP_VIEW)).size).toBe(0);

    damage(2, how);
    await expect(listed(replica, BOB)).rejects.toMatchObject(damagedAfter(1));
    repair();
    expect((await listed(replica, BOB)).size).toBe(3);
  });
});

/** How a stream ended that did not become live. */
async function endOf({ sink, live }: ReturnType<typeof watch>): Promise<unknown> {
  await live.catch(() => undefined);
  await eventually(() => {
    expect(sink.ended ?? live).toBeDefined();
  });
  return sink.ended?.error ?? live.catch((error: unknown) => error);
}
