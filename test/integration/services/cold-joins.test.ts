import { afterEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../../support/eventually.js';
import {
  changeOf,
  draftOf,
  appendAtHead,
  creation,
  grantsAt,
  recordOf,
} from '../../support/storage/builders.js';
import { userView, type ReaderView } from '../../../src/domain/view.js';
import { TenantState } from '../../../src/services/replica/tenant-state.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import type { LogSlice } from '../../../src/storage/log.js';
import { openNode, openWorld, page, TENANT } from '../../support/services/world.js';
import { projectedAt, withMethods } from '../../support/storage/reads.js';

/** A catalog that counts the queries for private servers, and how many of them run at once. */
function counting(catalog: Catalog) {
  const counts = { queries: 0, running: 0, atOnce: 0 };
  const counted = withMethods(catalog, {
    privateServers: async (...args) => {
      counts.queries += 1;
      counts.running += 1;
      counts.atOnce = Math.max(counts.atOnce, counts.running);
      const found = await catalog.projections.privateServers(...args);
      counts.running -= 1;
      return found;
    },
  });
  return { counts, counted };
}

describe('cold joins', () => {
  it('of 10,000 views that a node opens with share tens of queries, few at once', async () => {
    await using world = await openWorld();
    await appendAtHead(world.catalog, TENANT, creation({ id: 's', name: 's', owner: 'u7' }));
    const { counts, counted } = counting(world.catalog);
    const replica = await world.replica({ catalog: counted });
    const views = Array.from({ length: 10_000 }, (_, at): [string, ReaderView] => [
      `s${String(at)}`,
      userView(`u${String(at)}`),
    ]);
    const { sink } = openNode(replica, new Map(views));
    await eventually(() => {
      expect(sink.frames.length).toBeGreaterThan(1);
    });
    expect(counts.queries).toBeLessThan(100);
    expect(counts.atOnce).toBeLessThanOrEqual(4);
    expect((await page(replica, userView('u7'))).value.servers).toHaveLength(1);
    sink.disconnect();
  });
});

describe('cold reads of projections that lag or run ahead', () => {
  it('find a server that the query missed and a later commit granted [P8]', async () => {
    await using world = await openWorld();
    const { catalog } = world;
    const server = recordOf({ id: 's', name: 's', owner: 'bob', revision: 1 });
    await appendAtHead(catalog, TENANT, draftOf(changeOf(undefined, server)));
    const log = await TenantState.open(
      TENANT,
      withMethods(catalog, {
        privateServers: () => Promise.resolve(projectedAt(1, [])),
        loadRecords: () => Promise.resolve(projectedAt(1, [])),
      }),
    );
    const access = { granted: grantsAt(2, 'user:ana') };
    const granted = changeOf(server, { ...server, revision: 2 }, access);
    await appendAtHead(catalog, TENANT, draftOf(granted));
    await log.catchUp();
    await log.hold(['user:ana']);
    expect([...log.privateOf('user:ana')].map(({ record }) => record.id)).toEqual(['s']);
  });

  it('show no state in which a server is missing that went away only later [P8, P9]', async () => {
    await using world = await openWorld();
    const { catalog } = world;
    const server = recordOf({ id: 's', name: 's', revision: 1 });
    await appendAtHead(catalog, TENANT, draftOf(changeOf(undefined, server)));
    await appendAtHead(catalog, TENANT, draftOf(changeOf(server, undefined)));
    const log = await TenantState.open(
      TENANT,
      // The watermark was read before the query, which saw documents that are ahead of it.
      withMethods(catalog, {
        sharedServers: () => Promise.resolve({ from: 1, to: 2, value: [] }),
      }),
    );
    expect([log.position.revision, [...log.allShared()]]).toEqual([2, []]);
  });
});

describe('a call of the Catalog that hangs', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('stops following no longer than its deadline [P29]', async () => {
    await using world = await openWorld();
    let hangs = false;
    const catalog = withMethods(world.catalog, {
      read: (...args) => {
        if (!hangs) return world.catalog.log.read(...args);
        hangs = false;
        return new Promise<LogSlice>(() => undefined);
      },
    });
    const log = await TenantState.open(TENANT, catalog);
    hangs = true;
    await appendAtHead(world.catalog, TENANT, creation({ id: 'a' }));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const first = log.catchUp();
    const second = log.catchUp();
    vi.advanceTimersByTime(30_000);
    await expect(first).rejects.toMatchObject({ reason: 'CATALOG_UNAVAILABLE' });
    await second;
    expect(log.position.revision).toBe(1);
  });

  it('keeps nobody waiting who has given up [F3]', async () => {
    await using world = await openWorld();
    const catalog = withMethods(world.catalog, {
      privateServers: () => new Promise(() => undefined),
    });
    const log = await TenantState.open(TENANT, catalog);
    const gone = new AbortController();
    const held = log.hold(['user:ana'], { signal: gone.signal });
    gone.abort(new Error('gone'));
    await expect(held).rejects.toThrow('gone');
    expect(log.isWarm(['user:ana'])).toBe(false);
  });
});
