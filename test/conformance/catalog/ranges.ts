import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Change, CommitDraft } from '../../../src/domain/commit.js';
import {
  appendAtHead,
  changeOf,
  creation,
  draftOf,
  grantsAt,
  recordOf,
} from '../../support/storage/builders.js';
import { historySteps } from '../../support/storage/history.js';
import { emptyModel } from '../../support/storage/model.js';
import { rangeDifferences } from '../../support/storage/ranges.js';
import { openCatalog, openHarness, TENANT, type CatalogSuite } from './harness.js';
import { playHistory } from './projections.js';
import { reasonOf } from '../../support/reason-of.js';

/** What a projection says that it reflects, and what a reader may demand of it. */
export function describeRanges(suite: CatalogSuite): void {
  describe('ranges', () => {
    it('hold everything up to `from` and nothing after `to` [P8]', async () => {
      await fc.assert(
        fc.asyncProperty(historySteps(25), async (steps) => {
          const harness = await suite.create({});
          try {
            const { catalog } = harness;
            const found: string[] = [];
            await playHistory(catalog, emptyModel(), steps, async () => {
              found.push(...(await rangeDifferences(catalog, TENANT)));
            });
            expect(found).toEqual([]);
          } finally {
            await harness.dispose();
          }
        }),
        { numRuns: 5 },
      );
    });

    it('begin at least where the reader demands it', async () => {
      const { catalog } = await openHarness(suite);
      for (let n = 1; n <= 10; n += 1) {
        await appendAtHead(catalog, TENANT, creation({ id: `s${String(n)}` }));
        const read = await catalog.projections.serversById(TENANT, [`s${String(n)}`], {
          atLeast: n,
        });
        expect(read.from).toBe(n);
        expect(read.value[0]).toBeDefined();
      }
    });

    it('cannot begin beyond the end of the log: CATALOG_UNAVAILABLE', async () => {
      const { catalog } = await openHarness(suite);
      await appendAtHead(catalog, TENANT, creation());
      const options = { atLeast: 2 };
      const { projections } = catalog;
      for (const reading of [
        projections.serversById(TENANT, ['a'], options),
        projections.sharedServers(TENANT, options),
        projections.privateServers(TENANT, ['user:ana'], options),
        projections.serversNamed(TENANT, { name: 'a', limit: 1 }, options),
        projections.deletedNamed(TENANT, { name: 'a', limit: 1 }, options),
        projections.serversOfSet(TENANT, 'a', options),
        projections.versions(TENANT, { id: 'a', limit: 1 }, options),
        projections.inventory(TENANT, { afterId: '', limit: 1 }, options),
        projections.loadRecords(TENANT, ['ana'], options),
        projections.answers(TENANT, [{ principal: 'p', requestId: 'r' }], options),
      ]) {
        expect(await reasonOf(reading)).toBe('CATALOG_UNAVAILABLE');
      }
    });
  });

  describe('batch reads', () => {
    it('return servers in the order of the ids, also of the same id twice', async () => {
      const catalog = await openCatalog(suite);
      const [kept, gone] = [recordOf({ id: 'kept' }), recordOf({ id: 'gone' })];
      await appendAtHead(
        catalog,
        TENANT,
        draftOf([changeOf(undefined, kept), changeOf(undefined, gone)]),
        draftOf(changeOf(gone, undefined)),
      );
      const ids = ['never', 'gone', 'kept', 'kept'];
      const { value } = await catalog.projections.serversById(TENANT, ids);
      const server = { record: kept, grants: [] };
      const left = { id: 'gone', revision: 2, name: 'gone', tier: 'USER' };
      expect(value).toEqual([undefined, left, server, server]);
      expect((await catalog.projections.serversById(TENANT, [])).value).toEqual([]);
    });

    it('return answers in the order of the requests', async () => {
      const catalog = await openCatalog(suite);
      const answered = (requestId: string): CommitDraft => ({
        ...creation(),
        request: { principal: 'p', requestId, bodyDigest: requestId },
      });
      await appendAtHead(catalog, TENANT, answered('r1'), answered('r2'));
      const requests = ['r2', 'never', 'r1'].map((requestId) => ({ principal: 'p', requestId }));
      const { value } = await catalog.projections.answers(TENANT, requests);
      expect(value.map((answer) => answer?.revision)).toEqual([2, undefined, 1]);
    });

    it('return the grants of the asked subjects only, and say whether there are others', async () => {
      const catalog = await openCatalog(suite);
      const record = recordOf({ id: 'a', owner: 'ana' });
      const granted = grantsAt(1, 'group:dev', 'group:ops', 'user:bob');
      const change: Change = changeOf(undefined, record, { granted });
      await appendAtHead(catalog, TENANT, draftOf(change));
      const read = async (...subjects: ('user:ana' | 'group:dev' | 'group:ops' | 'user:bob')[]) => {
        const { value } = await catalog.projections.privateServers(TENANT, subjects);
        const [found] = value;
        return [found?.grants.map(({ subject }) => subject), found?.isPartial];
      };
      expect(await read('user:ana')).toEqual([[], true]);
      expect(await read('user:bob', 'group:dev')).toEqual([['group:dev', 'user:bob'], true]);
      expect(await read('group:ops', 'user:bob', 'group:dev')).toEqual([
        ['group:dev', 'group:ops', 'user:bob'],
        false,
      ]);
    });
  });
}
