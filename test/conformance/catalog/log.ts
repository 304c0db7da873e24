import { describe, expect, it } from 'vitest';
import { positionOf } from '../../../src/domain/commit.js';
import { appendAtHead, batchOf, creation, readLog } from '../../support/storage/builders.js';
import { openCatalog, TENANT, type CatalogSuite } from './harness.js';

/** Reading the log in pieces. */
export function describeLog(suite: CatalogSuite): void {
  describe('log', () => {
    it('reads from any revision, also within a batch, without holes', async () => {
      const catalog = await openCatalog(suite);
      await appendAtHead(catalog, TENANT, creation());
      await appendAtHead(catalog, TENANT, creation(), creation(), creation());
      const { outcome } = await appendAtHead(catalog, TENANT, creation());
      const all = await readLog(catalog, TENANT);
      expect(all.map((commit) => commit.revision)).toEqual([1, 2, 3, 4, 5]);
      for (let after = 0; after <= 6; after += 1) {
        const slice = await catalog.log.read(TENANT, after);
        expect(slice).toEqual({ commits: all.slice(after), head: outcome.head, mark: 0 });
      }
    });

    it('reads about as much as it is told, and at least one commit', async () => {
      const catalog = await openCatalog(suite);
      const sized = () => creation({ spec: { description: 'x'.repeat(10_000) } });
      for (let n = 0; n < 5; n += 1) await appendAtHead(catalog, TENANT, sized(), sized());
      const counts = async (limitBytes: number): Promise<number[]> => {
        const sizes: number[] = [];
        let after = 0;
        for (;;) {
          const { commits, head } = await catalog.log.read(TENANT, after, { limitBytes });
          if (commits.length === 0) return sizes;
          expect(commits.map((c) => c.revision)).toEqual(commits.map((_, at) => after + at + 1));
          expect(head.revision).toBe(10);
          sizes.push(commits.length);
          after += commits.length;
        }
      };
      expect(await counts(1)).toEqual(Array(10).fill(1));
      expect(Math.max(...(await counts(35_000)))).toBeLessThan(5);
      expect(await counts(10_000_000)).toEqual([10]);
    });

    it('knows the place of each revision, also within a batch', async () => {
      const catalog = await openCatalog(suite);
      const start = await catalog.log.head(TENANT);
      await appendAtHead(catalog, TENANT, creation(), creation(), creation());
      await appendAtHead(catalog, TENANT, creation());
      expect(await catalog.log.positionAt(TENANT, 0)).toEqual(start);
      for (const commit of await readLog(catalog, TENANT)) {
        const place = await catalog.log.positionAt(TENANT, commit.revision);
        expect(place).toEqual(positionOf(start.epoch, commit));
      }
      expect(await catalog.log.positionAt(TENANT, 4)).toEqual(await catalog.log.head(TENANT));
      for (const nowhere of [5, 1_000_000, -1, 1.5]) {
        expect(await catalog.log.positionAt(TENANT, nowhere)).toBeUndefined();
      }
    });

    it('tells of many tenants what became of the positions that somebody holds', async () => {
      const catalog = await openCatalog(suite);
      const empty = await catalog.log.head('empty');
      const { batch, outcome } = await appendAtHead(catalog, 'moved', creation(), creation());
      await appendAtHead(catalog, 'still', creation());
      const still = await catalog.log.head('still');
      const other = { ...outcome.head, fingerprint: 'of another history' };
      const held = [
        { tenant: 'still', position: still },
        { tenant: 'moved', position: batch.after },
        { tenant: 'moved', position: positionOf(batch.after.epoch, batch.commits[0]!) },
        { tenant: 'moved', position: other },
        { tenant: 'moved', position: { ...outcome.head, epoch: 'another life' } },
        { tenant: 'moved', position: { ...outcome.head, revision: 9 } },
        { tenant: 'empty', position: empty },
      ];
      const news = await catalog.log.newer(held);
      expect(news.map(({ tenant }) => tenant)).toEqual(held.map(({ tenant }) => tenant));
      expect(news.map(({ epoch }) => epoch)).toEqual([
        still.epoch,
        ...Array<string>(5).fill(outcome.head.epoch),
        empty.epoch,
      ]);
      const found = news.map(({ isHeld, hasNewer }) => [isHeld, hasNewer]);
      expect(found).toEqual([
        [true, false],
        [true, true],
        [true, true],
        [false, false],
        [false, false],
        [false, false],
        [true, false],
      ]);
      expect(await catalog.log.tenants()).not.toContain('empty');
      expect(await catalog.log.newer([])).toEqual([]);
    });

    it('no longer holds a position below the mark, and holds the one at it', async () => {
      const catalog = await openCatalog(suite);
      const places = [];
      for (let n = 0; n < 3; n += 1) {
        places.push((await appendAtHead(catalog, TENANT, creation())).outcome.head);
      }
      await catalog.log.compact(TENANT, 2, { answersBefore: 0 });
      const held = places.map((position) => ({ tenant: TENANT, position }));
      const news = await catalog.log.newer(held);
      expect(news.map(({ isHeld }) => isHeld)).toEqual([false, true, true]);
    });

    it('histories that differ have different fingerprints at equal revisions', async () => {
      const catalog = await openCatalog(suite);
      const start = await catalog.log.head(TENANT);
      const one = batchOf(start, [creation({ title: 'one' }), creation({ id: 'x' })]);
      const other = batchOf(start, [creation({ title: 'other' }), creation({ id: 'x' })]);
      await catalog.log.append(TENANT, one);
      const place = await catalog.log.positionAt(TENANT, 2);
      expect(place?.fingerprint).toBe(one.commits[1]?.fingerprint);
      expect(place?.fingerprint).not.toBe(other.commits[1]?.fingerprint);
    });
  });
}
