import { describe, expect, it } from 'vitest';
import { loadOf } from '../../support/loads/loads.js';
import {
  appendAtHead,
  appendUntilPlaced,
  batchOf,
  changeOf,
  creation,
  draftOf,
  readLog,
  recordOf,
} from '../../support/storage/builders.js';
import { forgetAnswers, projectionDifferences, replay } from '../../support/storage/model.js';
import { openCatalog, openHarness, TENANT, type CatalogSuite } from './harness.js';
import { findAnswer, findServer, projectedAt } from '../../support/storage/reads.js';

const KEEP_ANSWERS = { answersBefore: 0 };

/** Forgetting history without forgetting where it ends. */
export function describeCompaction(suite: CatalogSuite): void {
  describe('compaction', () => {
    it('a replica paused at head 4 cannot append after 5 was compacted [P2]', async () => {
      const catalog = await openCatalog(suite);
      const record = recordOf({ id: 'deleted' });
      for (let n = 0; n < 3; n += 1) await appendAtHead(catalog, TENANT, creation());
      await appendAtHead(catalog, TENANT, draftOf(changeOf(undefined, record)));
      const paused = await catalog.log.head(TENANT);
      await appendAtHead(catalog, TENANT, draftOf(changeOf(record, undefined)));
      await appendAtHead(catalog, TENANT, creation());
      expect(await catalog.log.compact(TENANT, 6, KEEP_ANSWERS)).toBe(6);

      const back = draftOf(changeOf(record, { ...record, revision: 5 }));
      const outcome = await catalog.log.append(TENANT, batchOf(paused, [back]));
      expect(outcome).toEqual({ appended: false, head: await catalog.log.head(TENANT) });
      expect(outcome.head.revision).toBe(6);
      await catalog.projections.project(TENANT, 6);
      const gone = await findServer(catalog, TENANT, 'deleted');
      expect(gone).toEqual(
        projectedAt(6, { id: 'deleted', revision: 5, name: 'deleted', tier: 'USER' }),
      );
    });

    it('commits up to the mark are gone, those after it are not [P2]', async () => {
      const catalog = await openCatalog(suite);
      for (let n = 0; n < 6; n += 1) await appendAtHead(catalog, TENANT, creation());
      const all = await readLog(catalog, TENANT);
      const places = await Promise.all([2, 3, 4].map((r) => catalog.log.positionAt(TENANT, r)));
      expect(await catalog.log.compact(TENANT, 3, KEEP_ANSWERS)).toBe(3);
      const head = await catalog.log.head(TENANT);
      for (const after of [0, 1, 2]) {
        expect(await catalog.log.read(TENANT, after)).toEqual({ commits: [], head, mark: 3 });
      }
      expect(await catalog.log.read(TENANT, 3)).toEqual({ commits: all.slice(3), head, mark: 3 });
      expect(await catalog.log.read(TENANT, 5)).toEqual({ commits: all.slice(5), head, mark: 3 });
      expect(await catalog.log.positionAt(TENANT, 0)).toBeUndefined();
      expect(await catalog.log.positionAt(TENANT, 2)).toBeUndefined();
      expect(await catalog.log.positionAt(TENANT, 3)).toEqual(places[1]);
      expect(await catalog.log.positionAt(TENANT, 4)).toEqual(places[2]);
    });

    it('the mark stays at the end of a batch, before the head, and never goes back [P3]', async () => {
      const catalog = await openCatalog(suite);
      await appendAtHead(catalog, TENANT, creation(), creation());
      await appendAtHead(catalog, TENANT, creation(), creation(), creation());
      const marks: number[] = [];
      for (const upTo of [0, 1, 2, 4, 1, 5, 1_000, 3]) {
        marks.push(await catalog.log.compact(TENANT, upTo, KEEP_ANSWERS));
      }
      expect(marks).toEqual([0, 0, 2, 2, 2, 5, 5, 5]);
      expect(await catalog.log.positionAt(TENANT, 5)).toEqual(await catalog.log.head(TENANT));
    });

    it('a log that was compacted to its head goes on [P2]', async () => {
      const catalog = await openCatalog(suite);
      await appendAtHead(catalog, TENANT, creation());
      await catalog.log.compact(TENANT, 1, KEEP_ANSWERS);
      const { batch } = await appendAtHead(catalog, TENANT, creation());
      const head = await catalog.log.head(TENANT);
      expect(await catalog.log.read(TENANT, 1)).toEqual({ commits: batch.commits, head, mark: 1 });
    });

    it('leaves the projections as they are [P3]', async () => {
      const catalog = await openCatalog(suite);
      const record = recordOf({ id: 'a', owner: 'ana' });
      await appendAtHead(
        catalog,
        TENANT,
        draftOf(changeOf(undefined, record, { granted: [{ subject: 'group:ops', revision: 1 }] }), {
          loads: [{ after: loadOf('ana') }],
        }),
      );
      await appendAtHead(catalog, TENANT, creation({ id: 'b' }), creation({ id: 'c' }));
      await appendAtHead(catalog, TENANT, draftOf(changeOf(recordOf({ id: 'b' }), undefined)));
      const model = replay(await readLog(catalog, TENANT));
      await catalog.log.compact(TENANT, 4, KEEP_ANSWERS);
      await catalog.projections.project(TENANT, 4);
      expect(await projectionDifferences(catalog, TENANT, model)).toEqual([]);
    });

    it('forgets the answers from before the window, and no others [P3]', async () => {
      const catalog = await openCatalog(suite);
      const answered = (requestId: string, time: number, bodyDigest = 'd') =>
        draftOf(changeOf(undefined, recordOf()), {
          time,
          request: { principal: 'p', requestId, bodyDigest },
        });
      await appendAtHead(catalog, TENANT, answered('old', 10), answered('edge', 20));
      await appendAtHead(catalog, TENANT, answered('new', 30), answered('again', 5, 'first'));
      await appendAtHead(catalog, TENANT, answered('again', 40, 'second'));
      const model = replay(await readLog(catalog, TENANT));
      await catalog.log.compact(TENANT, 0, { answersBefore: 20 });
      await catalog.projections.project(TENANT, 5);
      forgetAnswers(model, { before: 20 });
      expect([...model.answers.values()].map((answer) => answer.requestId)).toEqual([
        'edge',
        'new',
        'again',
      ]);
      expect(await projectionDifferences(catalog, TENANT, model)).toEqual([]);
      const old = await findAnswer(catalog, TENANT, { principal: 'p', requestId: 'old' });
      expect(old.value).toBeUndefined();
      expect(await readLog(catalog, TENANT)).toHaveLength(5);
    });

    it.each(['compact.forgotten', 'compact.marked'] as const)(
      'that ends at %s leaves no answer without its commit, and is completed by the next [P3, R3]',
      async (place) => {
        let failing = true;
        const { catalog } = await openHarness(suite, {
          failpoint: (name) => {
            if (failing && name === place) throw new Error('as told');
          },
        });
        const requests = ['r1', 'r2', 'r3', 'r4'].map((requestId) => ({
          principal: 'p',
          requestId,
        }));
        for (const [at, request] of requests.entries()) {
          const draft = { ...creation(), time: at + 1, request: { ...request, bodyDigest: 'd' } };
          await appendAtHead(catalog, TENANT, draft);
        }
        const unreadable = async (): Promise<readonly number[]> => {
          const options = { atLeast: 4 };
          const { value } = await catalog.projections.answers(TENANT, requests, options);
          const found = value.flatMap((answer) => (answer === undefined ? [] : [answer.revision]));
          const commits = await Promise.all(found.map((at) => catalog.log.read(TENANT, at - 1)));
          return found.filter((_revision, at) => commits[at]?.commits.length === 0);
        };
        await expect(catalog.log.compact(TENANT, 3, { answersBefore: 4 })).rejects.toThrow();
        expect(await unreadable()).toEqual([]);
        failing = false;
        expect(await catalog.log.compact(TENANT, 3, { answersBefore: 4 })).toBe(3);
        expect(await unreadable()).toEqual([]);
        const { value } = await catalog.projections.answers(TENANT, requests, { atLeast: 4 });
        expect(value.map((answer) => answer?.revision)).toEqual([
          undefined,
          undefined,
          undefined,
          4,
        ]);
        expect((await catalog.log.read(TENANT, 3)).commits).toHaveLength(1);
      },
    );

    it('an answer at or below the mark is forgotten, whatever its time says [P3, R3]', async () => {
      const catalog = await openCatalog(suite);
      const answered = (requestId: string) => ({
        ...creation(),
        time: Date.now() + 86_400_000,
        request: { principal: 'p', requestId, bodyDigest: 'd' },
      });
      await appendAtHead(catalog, TENANT, answered('old'));
      await appendAtHead(catalog, TENANT, answered('new'));
      await catalog.log.compact(TENANT, 1, KEEP_ANSWERS);
      const requests = ['old', 'new'].map((requestId) => ({ principal: 'p', requestId }));
      const { value } = await catalog.projections.answers(TENANT, requests);
      expect(value.map((answer) => answer?.revision)).toEqual([undefined, 2]);
    });

    it('goes on beside appends, and loses none of them [P2, P3]', async () => {
      const catalog = await openCatalog(suite);
      const ids = Array.from({ length: 60 }, (_, at) => `s${String(at)}`);
      const written = new AbortController();
      const compacting = (async () => {
        let mark = 0;
        while (!written.signal.aborted) {
          const { revision } = await catalog.log.head(TENANT);
          const next = await catalog.log.compact(TENANT, revision - 2, KEEP_ANSWERS);
          expect(next).toBeGreaterThanOrEqual(mark);
          mark = next;
        }
        return mark;
      })();
      for (const id of ids) await appendUntilPlaced(catalog, TENANT, creation({ id }));
      written.abort();
      const mark = await compacting;
      const rest = await readLog(catalog, TENANT, mark);
      expect(rest.map((commit) => commit.revision)).toEqual(
        Array.from({ length: 60 - mark }, (_, at) => mark + at + 1),
      );
      await catalog.projections.project(TENANT, 60);
      const { value } = await catalog.projections.sharedServers(TENANT);
      expect(value.map((server) => server.record.id).sort()).toEqual(ids.sort());
    });

    it('two at once end at the higher mark [P3]', async () => {
      const harness = await openHarness(suite);
      const { catalog } = harness;
      const other = suite.capabilities.sharing !== 'NONE' ? await harness.openAnother() : catalog;
      for (let n = 0; n < 20; n += 1) await appendAtHead(catalog, TENANT, creation());
      await Promise.all([
        catalog.log.compact(TENANT, 12, KEEP_ANSWERS),
        other.log.compact(TENANT, 17, KEEP_ANSWERS),
        catalog.log.compact(TENANT, 3, KEEP_ANSWERS),
      ]);
      expect((await catalog.log.read(TENANT, 17)).mark).toBe(17);
      expect((await other.log.read(TENANT, 17)).commits).toHaveLength(3);
    });
  });
}
