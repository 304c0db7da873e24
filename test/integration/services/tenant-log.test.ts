import { describe, expect, it } from 'vitest';
import { placeCommit } from '../../../src/domain/commit.js';
import { listResolved, resolve, type StateIndex } from '../../../src/domain/resolve.js';
import { subjectsOf, userView, APP_VIEW, type ReaderView } from '../../../src/domain/view.js';
import { TenantLog } from '../../../src/services/tenant-log.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import { rewind } from '../../../src/services/watch/replay.js';
import { appendRandom } from '../../support/commits-random.js';
import { describeContents, Oracle, type Contents } from '../../support/history-oracle.js';
import { randomFrom } from '../../support/random.js';
import { openWorld, TENANT } from '../../support/services-world.js';
import { creation, draftOf, changeOf, recordOf } from '../../support/storage-builders.js';

const SEEDS = [1, 2, 3, 4, 5, 6];
const VIEWS: readonly ReaderView[] = [
  APP_VIEW,
  userView('ana'),
  userView('ana', ['dev']),
  userView('bob', ['dev', 'ops']),
  userView('zoe', ['ops']),
  userView('stranger'),
];
/** So little is kept that subjects cool down, and commits are read from the Catalog again. */
const LIMITS = { recentCommits: 5, idleSubjects: 1 };

const contentsOf = (state: StateIndex, view: ReaderView): Contents =>
  new Map(listResolved(state, view).map(({ record }) => [record.id, record.revision]));

describe('a tenant at a replica, for random commits of all kinds', () => {
  it.each(SEEDS)('of seed %i, shows its subjects what the log says [P8, P9, P17]', async (seed) => {
    await using world = await openWorld();
    const random = randomFrom(seed);
    const oracle = new Oracle();
    const { catalog } = world;
    const grow = async (): Promise<void> => {
      const servers = oracle.serversAt(oracle.head);
      await appendRandom(catalog, TENANT, { servers, random });
      await oracle.extend(catalog, TENANT);
    };
    for (let count = 0; count < 10; count += 1) await grow();
    const log = await TenantLog.open(TENANT, catalog, LIMITS);
    const held = new Map<ReaderView, () => void>();

    for (let round = 0; round < 150; round += 1) {
      for (let count = random.below(3); count > 0; count -= 1) await grow();
      if (random.oneIn(2)) await log.catchUp();
      const view = random.pick(VIEWS);
      const release = held.get(view);
      if (release === undefined) held.set(view, await log.hold(subjectsOf(view)));
      else if (random.oneIn(3)) {
        release();
        held.delete(view);
      }
      const { revision } = log.position;
      for (const each of held.keys()) {
        expect(describeContents(contentsOf(log, each))).toBe(
          describeContents(oracle.viewAt(each, revision)),
        );
      }
      await expectPast(
        { log, catalog, oracle, views: [...held.keys()] },
        random.below(revision + 1),
      );
    }
  });

  interface Past {
    readonly log: TenantLog;
    readonly catalog: Catalog;
    readonly oracle: Oracle;
    readonly views: readonly ReaderView[];
  }

  /** What the log says of a revision of the past, by memory and by reading back. */
  async function expectPast(
    { log, catalog, oracle, views }: Past,
    revision: number,
  ): Promise<void> {
    const due = (view: ReaderView) => describeContents(oracle.viewAt(view, revision));
    const state = log.pastState(revision);
    for (const view of views) {
      if (state !== undefined) expect(describeContents(contentsOf(state, view))).toBe(due(view));
    }
    const frozen = log.freeze();
    const to = log.position.revision;
    await rewind({ log, catalog }, frozen.state, { from: revision, to });
    for (const view of views) {
      expect(describeContents(contentsOf(frozen.state, view))).toBe(due(view));
      for (const { record } of oracle.serversAt(revision)) {
        expect(resolve(frozen.state, record.name, view)?.record.id).toBe(
          listResolved(frozen.state, view).find((each) => each.record.name === record.name)?.record
            .id,
        );
      }
    }
    frozen.release();
  }
});

describe('advancing by what another replica tells', () => {
  it('takes what continues, skips what it has, refuses a gap and another history [P9, P30]', async () => {
    await using world = await openWorld();
    const log = await TenantLog.open(TENANT, world.catalog);
    const start = log.position;
    const first = placeCommit(creation({ id: 'a', name: 'a' }), start);
    const second = placeCommit(creation({ id: 'b', name: 'b' }), { ...start, ...first });
    const forged = placeCommit(creation({ id: 'x', name: 'x' }), {
      ...start,
      fingerprint: 'other',
    });
    expect(log.advance([second])).toBe(false);
    expect(log.advance([forged])).toBe(false);
    expect(log.position).toEqual(start);
    expect(log.advance([first])).toBe(true);
    expect(log.advance([first, second])).toBe(true);
    expect(log.position.revision).toBe(2);
    const tampered = {
      ...placeCommit(draftOf(changeOf(recordOf({ id: 'a' }), undefined)), log.position),
      reason: 'x',
    };
    expect(log.advance([tampered])).toBe(false);
    expect(log.byId('a')).toBeDefined();
  });

  it('tells listeners of a commit before it shows, with the states around it', async () => {
    await using world = await openWorld();
    const log = await TenantLog.open(TENANT, world.catalog);
    const commit = placeCommit(creation({ id: 'a', name: 'a' }), log.position);
    const seen: unknown[] = [];
    log.onStep(({ before, after, position }) => {
      seen.push([before.byId('a'), after.byId('a')?.record.id, position.revision, log.byId('a')]);
    });
    log.advance([commit]);
    expect(seen).toEqual([[undefined, 'a', 1, undefined]]);
    expect(log.byId('a')?.record.id).toBe('a');
  });
});

describe('catching up', () => {
  it('with a log that ends before what was read of it is an error, not a loop [P9]', async () => {
    await using world = await openWorld();
    const log = await TenantLog.open(TENANT, world.catalog);
    await expect(log.catchUp(7)).rejects.toMatchObject({ reason: 'CATALOG_UNAVAILABLE' });
  });
});
