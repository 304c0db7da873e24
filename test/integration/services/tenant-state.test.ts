import { describe, expect, it } from 'vitest';
import { placeCommit, type CommitDraft } from '../../../src/domain/commit.js';
import type { LoadRecord } from '../../../src/domain/load-record.js';
import type { SourceRecord } from '../../../src/domain/source-record.js';
import { listResolved, resolve, type StateIndex } from '../../../src/domain/resolve.js';
import { subjectsOf, userView, APP_VIEW, type ReaderView } from '../../../src/domain/view.js';
import { pastState } from '../../../src/services/replica/past-state.js';
import { TenantState } from '../../../src/services/replica/tenant-state.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import { createSlots } from '../../../src/services/concurrency/slots.js';
import { Replays } from '../../../src/services/watch/replays.js';
import { appendRandom } from '../../support/commits/random.js';
import { describeContents, Oracle, type Contents } from '../../support/history/oracle.js';
import { loadChange, loadOf } from '../../support/loads/loads.js';
import { randomFrom, type Random } from '../../support/random.js';
import { openWorld, TENANT } from '../../support/services/world.js';
import {
  appendAtHead,
  creation,
  draftOf,
  changeOf,
  recordOf,
} from '../../support/storage/builders.js';
import { projectedAt, withMethods } from '../../support/storage/reads.js';

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

const replaysOf = (log: TenantState, catalog: Catalog): Replays =>
  new Replays({ log, catalog }, createSlots(1));

describe('a tenant at a replica, for random commits of all kinds', () => {
  it.each(SEEDS)('of seed %i, shows its subjects what the log says [P8, P9, P17]', async (seed) => {
    await play(seed, false);
  });

  it.each(SEEDS)(
    'of seed %i, also while others commit between its queries [P8, P9]',
    async (seed) => {
      await play(seed, true);
    },
  );

  /** A catalog that is written to whenever a cold read has asked it something. */
  function busy(catalog: Catalog, grow: () => Promise<void>, random: Random): Catalog {
    let growing = Promise.resolve();
    const perhapsGrow = async (): Promise<void> => {
      if (random.oneIn(2)) return;
      await (growing = growing.then(grow));
    };
    return withMethods(catalog, {
      privateServers: async (...args) => {
        await perhapsGrow();
        const answer = await catalog.projections.privateServers(...args);
        await perhapsGrow();
        return answer;
      },
      loadRecords: async (...args) => {
        await perhapsGrow();
        const answer = await catalog.projections.loadRecords(...args);
        await perhapsGrow();
        return answer;
      },
    });
  }

  async function play(seed: number, isBusy: boolean): Promise<void> {
    await using world = await openWorld();
    const random = randomFrom(seed);
    const oracle = new Oracle();
    const { catalog } = world;
    const grow = async (): Promise<void> => {
      const [servers, loads] = [oracle.serversAt(oracle.head), oracle.loadsAt(oracle.head)];
      await appendRandom(catalog, TENANT, { servers, loads, random });
      await oracle.extend(catalog, TENANT);
    };
    for (let count = 0; count < 10; count += 1) await grow();
    const log = await TenantState.open(
      TENANT,
      isBusy ? busy(catalog, grow, random) : catalog,
      LIMITS,
    );
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
        expectLoad(log, each, oracle.loadsAt(revision));
      }
      await expectPast(
        { log, catalog, oracle, views: [...held.keys()] },
        random.below(revision + 1),
      );
    }
  }

  function expectLoad(
    state: StateIndex,
    view: ReaderView,
    loads: ReadonlyMap<string, LoadRecord>,
  ): void {
    if (view.kind !== 'user') return;
    expect(state.loadOf(view.user)).toEqual(loads.get(view.user));
  }

  interface Past {
    readonly log: TenantState;
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
    const state = pastState(log, revision);
    for (const view of views) {
      if (state === undefined) continue;
      expect(describeContents(contentsOf(state, view))).toBe(due(view));
      expectLoad(state, view, oracle.loadsAt(revision));
    }
    const frozen = await replaysOf(log, catalog).stateAt(revision);
    for (const view of views) {
      expect(describeContents(contentsOf(frozen.state, view))).toBe(due(view));
      expectLoad(frozen.state, view, oracle.loadsAt(revision));
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
    const log = await TenantState.open(TENANT, world.catalog);
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
    const deletion = draftOf(changeOf(recordOf({ id: 'a' }), undefined));
    const placed = placeCommit(deletion, log.position);
    expect(log.advance([{ ...placed, body: `${placed.body} ` }])).toBe(false);
    expect(log.byId('a')).toBeDefined();
  });

  it('tells listeners of a commit before it shows, with the states around it', async () => {
    await using world = await openWorld();
    const log = await TenantState.open(TENANT, world.catalog);
    const commit = placeCommit(creation({ id: 'a', name: 'a' }), log.position);
    const seen: unknown[] = [];
    log.onStep(({ before, after, position }) => {
      seen.push([before.byId('a'), after.byId('a')?.record.id, position.revision, log.byId('a')]);
    });
    log.advance([commit]);
    expect(seen).toEqual([[undefined, 'a', 1, undefined]]);
    expect(log.byId('a')?.record.id).toBe('a');
  });

  it('goes on when a listener throws, tells the others, and reports it [P9]', async () => {
    await using world = await openWorld();
    const reported: unknown[] = [];
    const log = await TenantState.open(TENANT, world.catalog, {
      report: (error) => reported.push(error),
    });
    const broken = new Error('broken');
    log.onStep(() => {
      throw broken;
    });
    const told: number[] = [];
    log.onStep(({ position }) => told.push(position.revision));
    await appendAtHead(world.catalog, TENANT, creation({ id: 'a' }), creation({ id: 'b' }));
    await log.catchUp();
    expect(told).toEqual([1, 2]);
    expect(log.position.revision).toBe(2);
    expect(reported).toEqual([broken, broken]);
  });
});

describe('load records at a replica', () => {
  const ANA = subjectsOf(userView('ana'));
  const BOB = subjectsOf(userView('bob'));

  /** A commit that says that something was loaded, and brings a server with it. */
  function loading(before: LoadRecord | undefined, after: LoadRecord, id: string): CommitDraft {
    const server = recordOf({ id, name: id, owner: after.user, revision: after.revision });
    return draftOf(changeOf(undefined, server), { loads: [loadChange(before, after)] });
  }
  const loads = [1, 2, 3, 4].map((revision) => loadOf('ana', { revision, serverCount: revision }));
  /** The first so many loads of ana, each with the next server. */
  const drafts = loads.map((after, at) => loading(loads[at - 1], after, `s${String(at + 1)}`));

  const idsOf = (state: StateIndex): readonly string[] =>
    [...state.privateOf('user:ana')].map(({ record }) => record.id).sort();
  const firstIds = (count: number): readonly string[] =>
    loads.slice(0, count).map(({ revision }) => `s${String(revision)}`);

  it('come with the subject, are followed, and go with it [L5, P8, D24]', async () => {
    await using world = await openWorld();
    const { catalog } = world;
    await appendAtHead(catalog, TENANT, drafts[0]!);
    const log = await TenantState.open(TENANT, catalog, { recentCommits: 5, idleSubjects: 0 });
    expect(log.loadOf('ana')).toBeUndefined();
    const release = await log.hold(ANA);
    expect(log.loadOf('ana')).toEqual(loads[0]);

    const releaseBob = await log.hold(BOB);
    await appendAtHead(catalog, TENANT, drafts[1]!);
    await log.catchUp();
    expect([log.loadOf('ana'), log.loadOf('bob')]).toEqual([loads[1], undefined]);
    await appendAtHead(catalog, TENANT, loading(undefined, loadOf('bob', { revision: 3 }), 'b'));
    await log.catchUp();
    expect(log.loadOf('bob')).toMatchObject({ user: 'bob', revision: 3 });

    release();
    expect([log.isWarm(ANA), log.loadOf('ana')]).toEqual([false, undefined]);
    expect(log.loadOf('bob')).toBeDefined();
    // Cold, it is not followed, as nothing would say what it was before.
    await appendAtHead(catalog, TENANT, touching(loads[1], loadOf('ana', { revision: 4 })));
    await log.catchUp();
    expect(log.loadOf('ana')).toBeUndefined();
    await log.hold(ANA);
    expect(log.loadOf('ana')).toMatchObject({ revision: 4 });
    releaseBob();
    expect(log.loadOf('bob')).toBeUndefined();
  });

  it('of subjects that nobody holds stay as long as these [L5]', async () => {
    await using world = await openWorld();
    await appendAtHead(world.catalog, TENANT, drafts[0]!);
    const log = await TenantState.open(TENANT, world.catalog, {
      recentCommits: 5,
      idleSubjects: 1,
    });
    (await log.hold(ANA))();
    expect(log.loadOf('ana')).toEqual(loads[0]);
    (await log.hold(BOB))();
    expect([log.isWarm(ANA), log.loadOf('ana')]).toEqual([false, undefined]);
  });

  it('are not there for groups, for the inventory, or for a server that is held', async () => {
    await using world = await openWorld();
    const shared = creation({ id: 'a', name: 'a', revision: 2 });
    const ofGroup = touching(undefined, loadOf('group:dev', { revision: 3 }));
    await appendAtHead(world.catalog, TENANT, drafts[0]!, shared, ofGroup);
    const log = await TenantState.open(TENANT, world.catalog);
    await log.hold(['group:dev']);
    await log.holdInventory();
    await log.holdRecords(['a']);
    const found = ['ana', 'group:dev', 'dev'].map((user) => log.loadOf(user));
    expect(found).toEqual([undefined, undefined, undefined]);
    // The owner of a private one is held with it.
    await log.holdRecords(['s1']);
    expect(log.loadOf('ana')).toEqual(loads[0]);
  });

  /** A catalog in which something is committed at a place of the cold read. */
  function committing(catalog: Catalog, place: Place, commit: () => Promise<unknown>): Catalog {
    const first = place === 'between loads and servers' ? 'loads' : 'servers';
    let open = (): void => undefined;
    const firstAnswered = new Promise<void>((resolve) => (open = resolve));
    const inOrder = async <T>(which: string, query: () => Promise<T>): Promise<T> => {
      if (which !== first) await firstAnswered;
      if (which === first && place === 'before both queries') await commit();
      const answer = await query();
      if (which === first && place.startsWith('between')) await commit();
      if (which !== first && place === 'after both queries') await commit();
      open();
      return answer;
    };
    return withMethods(catalog, {
      privateServers: (...args) =>
        inOrder('servers', () => catalog.projections.privateServers(...args)),
      loadRecords: (...args) => inOrder('loads', () => catalog.projections.loadRecords(...args)),
    });
  }
  const PLACES = [
    'before both queries',
    'between servers and loads',
    'between loads and servers',
    'after both queries',
  ] as const;
  type Place = (typeof PLACES)[number];

  describe.each(PLACES)('committed %s of a cold read', (place) => {
    it.each([0, 1, 2])('join as of one revision, after %i others [L2, P8]', async (count) => {
      await using world = await openWorld();
      const { catalog } = world;
      for (const draft of drafts.slice(0, count)) await appendAtHead(catalog, TENANT, draft);
      const cold = committing(catalog, place, () =>
        appendAtHead(catalog, TENANT, drafts[count]!, drafts[count + 1]!),
      );
      const log = await TenantState.open(TENANT, cold);
      const shown: unknown[] = [];
      log.onStep(() => shown.push([log.loadOf('ana')?.revision ?? 0, idsOf(log)]));
      await log.hold(ANA);
      const { revision } = log.position;
      expect(log.loadOf('ana')).toEqual(loads[revision - 1]);
      expect(idsOf(log)).toEqual(firstIds(revision));
      await log.catchUp();
      expect(log.loadOf('ana')).toEqual(loads[count + 1]);
      expect(idsOf(log)).toEqual(firstIds(count + 2));
      // Of what moved meanwhile nothing shows before all of it does.
      const whole = [0, 1, 2, 3, 4].map((each) => [each, firstIds(each)]);
      for (const each of shown) expect(whole).toContainEqual(each);
      expect(shown).toHaveLength(2);
    });
  });

  it.each(PLACES)('join with what goes away %s, or past it [P8]', async (place) => {
    await using world = await openWorld();
    const { catalog } = world;
    await appendAtHead(catalog, TENANT, ...drafts);
    const gone = drafts.map(({ changes }) => changeOf(changes[0]?.after, undefined));
    const cold = committing(catalog, place, () => appendAtHead(catalog, TENANT, draftOf(gone)));
    const log = await TenantState.open(TENANT, cold);
    await log.hold(ANA);
    expect(idsOf(log)).toEqual(firstIds(log.position.revision === 4 ? 4 : 0));
    expect(log.loadOf('ana')).toEqual(loads[3]);
  });

  it('move with the servers of their commit, in one step [L2, P9, D24]', async () => {
    await using world = await openWorld();
    const { catalog } = world;
    const log = await TenantState.open(TENANT, catalog);
    await log.hold(ANA);
    const seen: unknown[] = [];
    log.onStep(({ before, after }) => {
      for (const state of [before, after]) {
        seen.push([state.loadOf('ana')?.revision, idsOf(state), log.loadOf('ana')?.revision]);
      }
    });
    for (const draft of drafts) await appendAtHead(catalog, TENANT, draft);
    await log.catchUp();
    const due = loads.flatMap(({ revision }) => {
      const was = revision === 1 ? undefined : revision - 1;
      return [
        [was, firstIds(revision - 1), was],
        [revision, firstIds(revision), was],
      ];
    });
    expect(seen).toEqual(due);
    expect(log.loadOf('ana')).toEqual(loads[3]);
  });

  it('are those of then in a state of the past, and in a frozen one [P10, P17]', async () => {
    await using world = await openWorld();
    const { catalog } = world;
    const log = await TenantState.open(TENANT, catalog);
    await log.hold(ANA);
    await appendAtHead(catalog, TENANT, drafts[0]!);
    await log.catchUp();
    const { state, release } = log.freeze();
    for (const draft of drafts.slice(1)) await appendAtHead(catalog, TENANT, draft);
    await log.catchUp();
    expect([state.loadOf('ana'), idsOf(state)]).toEqual([loads[0], firstIds(1)]);
    for (const revision of [0, 1, 2, 3, 4]) {
      const past = pastState(log, revision)!;
      expect([past.loadOf('ana'), idsOf(past)]).toEqual([loads[revision - 1], firstIds(revision)]);
    }
    release();
    const frozen = await replaysOf(log, catalog).stateAt(2);
    expect([frozen.state.loadOf('ana'), log.loadOf('ana')]).toEqual([loads[1], loads[3]]);
    frozen.release();
  });

  it('are beside the private source of then [P10, P17, P36]', async () => {
    await using world = await openWorld();
    const { catalog } = world;
    const sourceAt = (revision: number): SourceRecord => ({
      ...{ name: `s${String(revision)}`, namespace: 's1', state: 'active', formerNames: [] },
      revision,
    });
    const change = (revision: number): CommitDraft => {
      const before = revision > 1 ? { before: sourceAt(revision - 1) } : {};
      return draftOf([], { cause: 'LOAD', source: { ...before, after: sourceAt(revision) } });
    };
    await appendAtHead(catalog, TENANT, change(1));
    const log = await TenantState.open(TENANT, catalog);
    expect(log.privateSource()).toEqual(sourceAt(1));
    await appendAtHead(catalog, TENANT, change(2), change(3));
    const frozen = log.freeze();
    await log.catchUp();
    expect(log.privateSource()).toEqual(sourceAt(3));
    expect(frozen.state.privateSource()).toEqual(sourceAt(1));
    expect(pastState(log, 2)?.privateSource()).toEqual(sourceAt(2));
    frozen.release();
  });

  it('opens at the end of the log, though both of its queries lag [P8, P29, W11]', async () => {
    await using world = await openWorld();
    const { catalog } = world;
    const source: SourceRecord = {
      ...{ name: 'crm', namespace: 'crm', state: 'active', formerNames: [], revision: 1 },
    };
    await appendAtHead(catalog, TENANT, draftOf([], { source: { after: source } }));
    const shared = recordOf({ id: 'shared', revision: 2 });
    await appendAtHead(catalog, TENANT, draftOf(changeOf(undefined, shared)));
    const late = withMethods(catalog, {
      privateSource: () => Promise.resolve(projectedAt(0, undefined)),
      sharedServers: () => Promise.resolve(projectedAt(0, [])),
    });
    const log = await TenantState.open(TENANT, late);
    expect(log.position).toEqual(await catalog.log.head(TENANT));
    expect(log.privateSource()).toEqual(source);
    expect([...log.allShared()].map(({ record }) => record)).toEqual([shared]);
  });

  it('opens with the newest source, whichever of its queries lags or runs ahead [P8, P36]', async () => {
    await using world = await openWorld();
    const { catalog } = world;
    const first: SourceRecord = {
      ...{ name: 'crm', namespace: 'crm', state: 'active', formerNames: [], revision: 1 },
    };
    const second: SourceRecord = { ...first, name: 'hub', formerNames: ['crm'], revision: 2 };
    await appendAtHead(catalog, TENANT, draftOf([], { source: { after: first } }));
    const old = {
      privateSource: await catalog.projections.privateSource(TENANT),
      sharedServers: await catalog.projections.sharedServers(TENANT),
    };
    await appendAtHead(catalog, TENANT, draftOf([], { source: { before: first, after: second } }));
    for (const lagging of ['privateSource', 'sharedServers'] as const) {
      const late = withMethods(catalog, { [lagging]: () => Promise.resolve(old[lagging]) });
      const log = await TenantState.open(TENANT, late);
      expect([log.position.revision, log.privateSource()]).toEqual([2, second]);
    }
  });

  function touching(before: LoadRecord | undefined, after: LoadRecord): CommitDraft {
    return draftOf([], { cause: 'LOAD', loads: [loadChange(before, after)] });
  }
});

describe('the inventory at a replica', () => {
  it('is of one revision, also where a server goes away between its pages [P8]', async () => {
    await using world = await openWorld();
    const { catalog } = world;
    const records = ['a', 'b', 'c'].map((id) => recordOf({ id, name: id }));
    await appendAtHead(catalog, TENANT, draftOf(records.map((each) => changeOf(undefined, each))));
    const last = draftOf(changeOf(records[2], undefined));
    const log = await TenantState.open(
      TENANT,
      withMethods(catalog, {
        inventory: async (tenant, { afterId }) => {
          if (afterId === 'a') await appendAtHead(catalog, TENANT, last);
          return catalog.projections.inventory(tenant, { afterId, limit: 1 });
        },
      }),
    );
    await log.holdInventory();
    const ids = [...log.all()].map(({ record }) => record.id);
    expect(ids).toEqual(log.position.revision === 1 ? ['a', 'b', 'c'] : ['a', 'b']);
  });
});

describe('catching up', () => {
  it('with a log that ends before what was read of it is an error, not a loop [P9]', async () => {
    await using world = await openWorld();
    const log = await TenantState.open(TENANT, world.catalog);
    await expect(log.catchUp(7)).rejects.toMatchObject({ reason: 'CATALOG_UNAVAILABLE' });
  });
});
