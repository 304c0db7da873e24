import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Change, CommitDraft } from '../../../src/domain/commit.js';
import { applyChange, changedId } from '../../../src/domain/commit.js';
import type { LoadChange } from '../../../src/domain/load-record.js';
import type { SourceChange } from '../../../src/domain/source-record.js';
import { resolve, type RecordIndex } from '../../../src/domain/resolve.js';
import type { StoredServer } from '../../../src/domain/server.js';
import { userView, type Subject } from '../../../src/domain/view.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import {
  appendAtHead,
  batchOf,
  changeOf,
  creation,
  draftOf,
  grantsAt,
  recordOf,
} from '../../support/storage/builders.js';
import {
  changeOfStep,
  draftOfSteps,
  historySteps,
  loadOfStep,
  replaceGrants,
  sourceOfStep,
  type HistoryStep,
} from '../../support/storage/history.js';
import {
  applyToModel,
  emptyModel,
  forgetAnswers,
  projectionDifferences,
  type CatalogModel,
} from '../../support/storage/model.js';
import { openCatalog, openHarness, readAtHead, TENANT, type CatalogSuite } from './harness.js';
import { findServer } from '../../support/storage/reads.js';

/** Projections are the sum of the log, and nothing else. */
export function describeProjections(suite: CatalogSuite): void {
  describe('projections', () => {
    it('equal a plain model after random histories [P3]', async () => {
      await fc.assert(
        fc.asyncProperty(historySteps(30), async (steps) => {
          const harness = await suite.create({});
          try {
            const model = emptyModel();
            const catalog = readAtHead(harness.catalog);
            await playHistory(catalog, model, steps);
            expect(await projectionDifferences(catalog, TENANT, model)).toEqual([]);
            if (!suite.capabilities.durable) return;
            const reopened = await harness.reopen();
            await reopened.log.compact(TENANT, model.revision, { answersBefore: 0 });
            forgetAnswers(model, { upTo: model.revision });
            expect(await projectionDifferences(reopened, TENANT, model)).toEqual([]);
          } finally {
            await harness.dispose();
          }
        }),
        { numRuns: 40 },
      );
    });

    it('a subject that stays keeps its grant when the list is replaced [P4]', async () => {
      const catalog = await openCatalog(suite);
      const early = recordOf({ id: 'z-early', name: 'n', owner: 'bob' });
      const late = recordOf({ id: 'a-late', name: 'n', owner: 'eve' });
      const held = grantsAt(1, 'user:ana');
      await appendAtHead(
        catalog,
        TENANT,
        draftOf(changeOf(undefined, early, { granted: held })),
        draftOf(changeOf(undefined, late, { granted: grantsAt(2, 'user:ana') })),
      );
      expect((await resolvedBy(catalog, 'ana', 'n'))?.record.id).toBe('z-early');
      const access = replaceGrants(held, ['user:ana', 'user:carl'], 3);
      await appendAtHead(catalog, TENANT, draftOf(changeOf(early, early, access)));
      expect((await resolvedBy(catalog, 'ana', 'n'))?.record.id).toBe('z-early');
      expect((await findServer(catalog, TENANT, 'z-early')).value).toEqual({
        record: early,
        grants: [
          { subject: 'user:ana', revision: 1 },
          { subject: 'user:carl', revision: 3 },
        ],
      });
    });

    it('times are kept as the commit says, whatever the clock says [P6]', async () => {
      const catalog = await openCatalog(suite);
      const future = Date.now() + 3_600_000;
      const record = recordOf({ id: 'a', lastUpdatedAt: future });
      const next = { ...record, lastUpdatedAt: future + 1, revision: 2 };
      await appendAtHead(
        catalog,
        TENANT,
        draftOf(changeOf(undefined, record), { time: future }),
        draftOf(changeOf(record, next), { time: 1 }),
      );
      await catalog.projections.project(TENANT, 2);
      const { value } = await findServer(catalog, TENANT, 'a');
      expect((value as StoredServer).record.lastUpdatedAt).toBe(future + 1);
      const { commits } = await catalog.log.read(TENANT, 0);
      expect(commits.map((commit) => commit.time)).toEqual([future, 1]);
    });

    it('a change between tiers takes sight away and gives it, whatever grants remain', async () => {
      const catalog = await openCatalog(suite);
      const mine = recordOf({ id: 'a', owner: 'ana' });
      const granted = grantsAt(1, 'group:ops');
      const { owner: _owner, ...rest } = mine;
      const shared = { ...rest, tier: 'APP' as const, revision: 2 };
      const subjects: readonly Subject[] = ['user:ana', 'group:ops'];
      const seen = async (): Promise<readonly [number, number]> => {
        await catalog.projections.project(TENANT, (await catalog.log.head(TENANT)).revision);
        const privately = await catalog.projections.privateServers(TENANT, subjects);
        return [
          privately.value.length,
          (await catalog.projections.sharedServers(TENANT)).value.length,
        ];
      };
      await appendAtHead(catalog, TENANT, draftOf(changeOf(undefined, mine, { granted })));
      expect(await seen()).toEqual([1, 0]);
      await appendAtHead(catalog, TENANT, draftOf(changeOf(mine, shared)));
      expect(await seen()).toEqual([0, 1]);
      await appendAtHead(catalog, TENANT, draftOf(changeOf(shared, mine)));
      expect(await seen()).toEqual([1, 0]);
    });

    it('many grants on one server are all found, and all go with it', async () => {
      const catalog = await openCatalog(suite);
      const record = recordOf({ id: 'a', owner: 'ana' });
      const subjects = Array.from({ length: 3_000 }, (_, at): Subject => `user:u${String(at)}`);
      const granted = grantsAt(1, ...subjects);
      await appendAtHead(catalog, TENANT, draftOf(changeOf(undefined, record, { granted })));
      await catalog.projections.project(TENANT, 1);
      const { value } = await findServer(catalog, TENANT, 'a');
      expect((value as StoredServer).grants.map((grant) => grant.subject)).toEqual(
        [...subjects].sort(),
      );
      expect((await catalog.projections.privateServers(TENANT, ['user:u2999'])).value).toHaveLength(
        1,
      );
      await appendAtHead(catalog, TENANT, draftOf(changeOf(record, undefined)));
      await catalog.projections.project(TENANT, 2);
      expect((await catalog.projections.privateServers(TENANT, subjects)).value).toEqual([]);
    });

    it('projecting may be repeated, in any order, and never goes back', async () => {
      const harness = await openHarness(suite);
      const { catalog } = harness;
      for (let n = 0; n < 5; n += 1) await appendAtHead(catalog, TENANT, creation());
      let reflected = 0;
      for (const upTo of [2, 1, 4, 4, 0, 5, 3, 99]) {
        const revision = await catalog.projections.project(TENANT, upTo);
        expect(revision).toBeGreaterThanOrEqual(Math.max(reflected, Math.min(upTo, 5)));
        const { from } = await catalog.projections.sharedServers(TENANT);
        expect(from).toBeGreaterThanOrEqual(revision);
        reflected = from;
      }
      expect(reflected).toBe(5);
      expect((await catalog.projections.sharedServers(TENANT)).value).toHaveLength(5);
    });

    if (suite.capabilities.atomicProjections) {
      it('are never behind the log [R1]', async () => {
        const catalog = await openCatalog(suite);
        for (let n = 1; n <= 5; n += 1) {
          await appendAtHead(catalog, TENANT, creation());
          const { from, to, value } = await catalog.projections.sharedServers(TENANT);
          expect([from, to, value.length]).toEqual([n, n, n]);
        }
      });

      it('an exchange of two names is seen before or after, never between [R5]', async () => {
        const catalog = await openCatalog(suite);
        const [a, b] = [recordOf({ id: 'a', name: 'x' }), recordOf({ id: 'b', name: 'y' })];
        await appendAtHead(
          catalog,
          TENANT,
          draftOf([changeOf(undefined, a), changeOf(undefined, b)]),
        );
        const swap = draftOf([changeOf(a, { ...a, name: 'y' }), changeOf(b, { ...b, name: 'x' })]);
        const projected = new AbortController();
        const seen = new Set<string>();
        const reader = (async () => {
          while (!projected.signal.aborted) {
            const { from, value } = await catalog.projections.sharedServers(TENANT);
            const names = value.map(({ record }) => `${record.id}=${record.name}`).sort();
            seen.add(`${String(from)}: ${names.join()}`);
            await new Promise(setImmediate);
          }
        })();
        await appendAtHead(catalog, TENANT, swap);
        await catalog.projections.project(TENANT, 2);
        projected.abort();
        await reader;
        seen.add(`2: ${(await namesOf(catalog)).join()}`);
        expect([...seen].sort()).toEqual(['1: a=x,b=y', '2: a=y,b=x']);
      });
    } else {
      it('are behind the log sometimes, until somebody helps them forward', async () => {
        const { catalog } = await openHarness(suite);
        let behind = 0;
        for (let n = 1; n <= 200; n += 1) {
          await appendAtHead(catalog, TENANT, creation());
          const { from } = await catalog.projections.sharedServers(TENANT);
          if (from < n) behind += 1;
          const helped = await catalog.projections.sharedServers(TENANT, { atLeast: n });
          expect([helped.from, helped.to, helped.value.length]).toEqual([n, n, n]);
        }
        expect(behind).toBeGreaterThan(0);
      });
    }
  });
}

/** Appends what the steps come to, and moves the model along; calls back after each batch. */
export async function playHistory(
  catalog: Catalog,
  model: CatalogModel,
  steps: readonly HistoryStep[],
  afterBatch: () => Promise<unknown> = () => catalog.projections.project(TENANT, model.revision),
): Promise<void> {
  let servers = new Map(model.servers);
  let loads = new Map(model.loads);
  let drafts: CommitDraft[] = [];
  let changes: Change[] = [];
  let touched = new Map<string, LoadChange>();
  let source: SourceChange | undefined;
  let sourceNow = model.source;
  let last: HistoryStep | undefined;
  const endCommit = (): void => {
    const isEmpty = changes.length + touched.size === 0 && source === undefined;
    if (last !== undefined && !isEmpty) {
      drafts.push(draftOfSteps({ changes, loads: [...touched.values()], source }, last));
    }
    for (const [user, { after }] of touched) loads.set(user, after);
    sourceNow = source?.after ?? sourceNow;
    changes = [];
    touched = new Map();
    source = undefined;
  };
  const endBatch = async (): Promise<void> => {
    endCommit();
    if (drafts.length === 0) return;
    const batch = batchOf(await catalog.log.head(TENANT), drafts);
    const { appended } = await catalog.log.append(TENANT, batch);
    expect(appended).toBe(true);
    for (const commit of batch.commits) applyToModel(model, commit);
    await afterBatch();
    servers = new Map(model.servers);
    loads = new Map(model.loads);
    sourceNow = model.source;
    drafts = [];
  };
  for (const step of steps) {
    if (!step.sameBatch) await endBatch();
    else if (!step.sameCommit) endCommit();
    let revision = model.revision + drafts.length + 1;
    let change = changeOfStep(servers, step, revision);
    // A commit changes a server once.
    if (change !== undefined && changes.some((other) => isOfSameServer(other, change))) {
      endCommit();
      revision = model.revision + drafts.length + 1;
      change = changeOfStep(servers, step, revision);
    }
    const load = loadOfStep(loads, step, revision);
    // Of a user at most one in a commit: the last.
    if (load !== undefined) touched.set(load.after.user, load);
    if (change !== undefined) changes.push(change);
    const sourced = sourceOfStep(sourceNow, step, revision);
    // A commit changes the source once: the last counts.
    source = sourced ?? source;
    if (load === undefined && change === undefined && sourced === undefined) continue;
    last = step;
    if (change === undefined) continue;
    const id = changedId(change);
    const after = applyChange(servers.get(id), change);
    if (after === undefined) servers.delete(id);
    else servers.set(id, after);
  }
  await endBatch();
}

function isOfSameServer(one: Change, other: Change | undefined): boolean {
  return other !== undefined && changedId(one) === changedId(other);
}

async function namesOf(catalog: Catalog): Promise<readonly string[]> {
  const { value } = await catalog.projections.sharedServers(TENANT);
  return value.map(({ record }) => `${record.id}=${record.name}`).sort();
}

async function resolvedBy(
  catalog: Catalog,
  user: string,
  name: string,
): Promise<StoredServer | undefined> {
  await catalog.projections.project(TENANT, (await catalog.log.head(TENANT)).revision);
  const shared = (await catalog.projections.sharedServers(TENANT)).value;
  const owned = (await catalog.projections.privateServers(TENANT, [`user:${user}`])).value;
  const index: RecordIndex = {
    shared: (wanted) => shared.find((server) => server.record.name === wanted),
    allShared: () => shared,
    privateOf: () => owned,
    privateNamed: (_subject, wanted) => owned.filter(({ record }) => record.name === wanted),
  };
  return resolve(index, name, userView(user));
}
