import { describe, expect, it } from 'vitest';
import { samePosition } from '../../../src/domain/commit.js';
import { INVENTORY_VIEW, userView } from '../../../src/domain/view.js';
import { openLmdbCatalog } from '../../../src/storage/catalog/lmdb/open-lmdb-catalog.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import { eventually } from '../../support/eventually.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import { loadingFrom, ScriptedSource } from '../../support/loads/scripted-source.js';
import type { SyncFrame, WatchFrame } from '../../support/services/encoders.js';
import { decodeFrames, type RecordingSink } from '../../support/services/sinks.js';
import {
  create,
  get,
  listed,
  openNode,
  openWorld,
  page,
  passTime,
  TENANT,
  tokenOf,
  watch,
  type Replica,
} from '../../support/services/world.js';
import { appendAtHead, creation } from '../../support/storage/builders.js';
import { withMethods } from '../../support/storage/reads.js';
import { temporaryFolder } from '../../support/storage/lmdb.js';

useFakeIntervals();

const ANA = userView('ana');

const kindsOf = (sink: RecordingSink): readonly string[] =>
  decodeFrames<WatchFrame | SyncFrame>(sink).map((frame) => frame.kind);

/** Why a stream was reset, in their order. */
function resetsOf(sink: RecordingSink): readonly string[] {
  return decodeFrames<WatchFrame>(sink).flatMap((frame) =>
    frame.kind === 'reset' ? [frame.reason] : [],
  );
}

/** Follows until the stream has shown a snapshot after its newest reset. */
async function untilSynced(replica: Replica, sink: RecordingSink): Promise<void> {
  await eventually(() => {
    passTime(replica, 1_000);
    expect(resetsOf(sink)).not.toEqual([]);
    const kinds = kindsOf(sink);
    expect(kinds.lastIndexOf('synced')).toBeGreaterThan(kinds.lastIndexOf('reset'));
  });
}

describe('a replica whose tenant was compacted beyond its state', () => {
  it('resets its streams with the state as it is, and goes on [F1, W8, C7]', async () => {
    await using world = await openWorld();
    const [near, far] = [await world.replica(), await world.replica()];
    await create(near, { name: 'first' });
    const { sink, live } = watch(far, ANA);
    await live;
    await create(far, { name: 'of another tenant' }, { tenant: 'globex' });
    for (const name of ['second', 'third']) await create(near, { name });
    await create(near, { name: 'of another replica' }, { tenant: 'globex' });
    await world.catalog.log.compact(TENANT, 3, { answersBefore: 0 });

    await untilSynced(far, sink);
    expect(resetsOf(sink)).toEqual(['too_old']);
    expect((await listed(far, ANA)).size).toBe(3);
    await create(near, { name: 'fourth' });
    await eventually(async () => {
      passTime(far, 1_000);
      expect((await listed(far, ANA)).size).toBe(4);
    });
    expect(sink.ended).toBeUndefined();
    expect(kindsOf(sink).at(-1)).toBe('closing');
  });
});

/** Another catalog, filled by `fill`; it goes with the test. */
async function otherCatalog(names: readonly string[]): Promise<Catalog & AsyncDisposable> {
  const folder = await temporaryFolder();
  const catalog = await openLmdbCatalog({ dataDir: folder.path });
  for (const name of names)
    await appendAtHead(catalog, TENANT, creation({ id: name, name, owner: 'ana' }));
  return {
    ...catalog,
    [Symbol.asyncDispose]: async () => {
      await catalog.close();
      await folder.remove();
    },
  };
}

/** A catalog that is one of several, and can become another under whoever uses it. */
function exchangeable(first: Catalog): { readonly catalog: Catalog; become(other: Catalog): void } {
  let now = first;
  const catalog = new Proxy({} as Catalog, {
    get: (_target, key) => now[key as keyof Catalog],
  });
  return {
    catalog,
    become: (other) => {
      now = other;
    },
  };
}

/** The same catalog with another epoch: what a restore makes of it. */
function ofEpoch(catalog: Catalog, epoch: string): Catalog {
  const { log } = catalog;
  return withMethods(catalog, {
    head: async (...args) => ({ ...(await log.head(...args)), epoch }),
    read: async (...args) => {
      const slice = await log.read(...args);
      return { ...slice, head: { ...slice.head, epoch } };
    },
    positionAt: async (...args) => {
      const place = await log.positionAt(...args);
      return place && { ...place, epoch };
    },
  });
}

describe('a replica whose log becomes another one', () => {
  /** A replica with streams and a private server of ana; then its log becomes `restored`. */
  async function replaced(restored: Catalog, use: (replica: Replica) => Promise<void>) {
    await using world = await openWorld();
    for (const name of ['a', 'b', 'c', 'd', 'e'])
      await appendAtHead(world.catalog, TENANT, creation({ id: name, name, owner: 'ana' }));
    const { catalog, become } = exchangeable(world.catalog);
    const replica = await world.replica({ catalog });
    expect((await listed(replica, ANA)).size).toBe(5);
    const [user, inventory] = [watch(replica, ANA), watch(replica, INVENTORY_VIEW)];
    await Promise.all([user.live, inventory.live]);
    const node = openNode(replica, new Map([['s1', ANA]]));
    await eventually(() => {
      expect(kindsOf(node.sink)).toContain('synced');
    });

    const epoch = (await world.catalog.log.head(TENANT)).epoch;
    become(ofEpoch(restored, epoch));
    for (const { sink } of [user, inventory, node]) {
      await untilSynced(replica, sink);
      expect(resetsOf(sink)).toEqual(['history_differs']);
      expect(sink.ended).toBeUndefined();
    }
    await use(replica);
    const { position } = await page(replica, ANA);
    expect(samePosition(position, { ...(await restored.log.head(TENANT)), epoch })).toBe(true);
    expect(replica.errors).toEqual([]);
    for (const { sink } of [user, inventory, node]) sink.disconnect();
  }

  it('resets its streams when an older dump is restored [W8, P9]', async () => {
    await using older = await otherCatalog(['a', 'b', 'x']);
    await replaced(older, async (replica) => {
      expect([...(await listed(replica, ANA)).keys()].sort()).toEqual(['a', 'b', 'x']);
      await expect(get(replica, ANA, { name: 'e' })).rejects.toMatchObject({
        reason: 'SERVER_NOT_FOUND',
      });
    });
  });

  it('resets its streams when another history is of the same length [W8, P9]', async () => {
    await using other = await otherCatalog(['a', 'b', 'v', 'w', 'x']);
    await replaced(other, async (replica) => {
      expect((await listed(replica, ANA)).has('v')).toBe(true);
    });
  });

  it('resets its streams when another history is longer [W8, P9]', async () => {
    await using other = await otherCatalog(['r', 's', 't', 'u', 'v', 'w', 'x']);
    await replaced(other, async (replica) => {
      expect((await listed(replica, ANA)).size).toBe(7);
    });
  });

  it('never shows a user who has to be loaded first as one without servers [W8, L5]', async () => {
    await using world = await openWorld();
    await using other = await otherCatalog(['a', 'b']);
    const { catalog, become } = exchangeable(world.catalog);
    const source = new ScriptedSource();
    const replica = await world.replica({ catalog, privateLoads: await loadingFrom(source) });
    source.set('ana', { rowId: 'own' });
    const before = watch(replica, ANA);
    const inventory = watch(replica, INVENTORY_VIEW);
    const node = openNode(replica, new Map([['s1', ANA]]));
    await Promise.all([before.live, inventory.live]);
    await eventually(() => {
      expect(kindsOf(node.sink)).toContain('synced');
    });
    const token = tokenOf((await page(replica, ANA)).position, ANA);

    source.held = [];
    become(other);
    await untilSynced(replica, inventory.sink);
    for (const { sink } of [before, node]) {
      expect(sink.ended).toMatchObject({ error: { reason: 'CATALOG_UNAVAILABLE' } });
      expect(kindsOf(sink)).not.toContain('reset');
    }
    const after = watch(replica, ANA, { resumeToken: token });
    await eventually(() => {
      expect(source.held).toHaveLength(1);
    });
    expect(kindsOf(after.sink)).not.toContain('synced');
    source.release();
    await after.live;
    expect(resetsOf(after.sink)).toEqual(['epoch_changed']);
    expect(kindsOf(after.sink).filter((kind) => kind === 'event')).toHaveLength(3);
    for (const { sink } of [inventory, after]) sink.disconnect();
  });

  it('resets its streams when the epoch is another one [W8, P9]', async () => {
    await using world = await openWorld();
    await using other = await otherCatalog(['a', 'b']);
    await appendAtHead(world.catalog, TENANT, creation({ id: 'a', name: 'a' }));
    const { catalog, become } = exchangeable(world.catalog);
    const replica = await world.replica({ catalog });
    const { sink, live } = watch(replica, ANA);
    await live;
    become(other);
    await untilSynced(replica, sink);
    expect(resetsOf(sink)).toEqual(['epoch_changed']);
    expect((await create(replica, { name: 'c' })).position.revision).toBe(3);
  });
});
