import { describe, expect, it } from 'vitest';
import type { Position } from '../../../src/domain/commit.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import { MAX_BATCH_BYTES } from '../../../src/storage/log.js';
import {
  appendAtHead,
  appendUntilPlaced,
  batchOf,
  creation,
  readLog,
} from '../../support/storage/builders.js';
import { projectionDifferences, replay } from '../../support/storage/model.js';
import { openCatalog, openHarness, TENANT, type CatalogSuite } from './harness.js';
import { findAnswer, findServer } from '../../support/storage/reads.js';
import { reasonOf } from '../../support/reason-of.js';

/** One order, whoever writes, and nothing half written. */
export function describeAppend(suite: CatalogSuite): void {
  describe('append', () => {
    it('of batches 5..8 and 5, both after 4, exactly one gets its place [P1]', async () => {
      const catalog = await openCatalog(suite);
      const four = [creation(), creation(), creation(), creation()];
      const { outcome } = await appendAtHead(catalog, TENANT, ...four);
      const batches = [batchOf(outcome.head, four), batchOf(outcome.head, [creation()])];
      const outcomes = await Promise.all(batches.map((batch) => catalog.log.append(TENANT, batch)));
      expect(outcomes.filter(({ appended }) => appended)).toHaveLength(1);
      const winner = batches[outcomes.findIndex(({ appended }) => appended)]!;
      expect((await readLog(catalog, TENANT)).slice(4)).toEqual(winner.commits);
      await expectWholeLog(catalog);
    });

    it('of 16 who append at one place exactly one wins, the others learn the head [P1]', async () => {
      const catalog = await openCatalog(suite);
      const after = await catalog.log.head(TENANT);
      const outcomes = await Promise.all(
        Array.from({ length: 16 }, () => catalog.log.append(TENANT, batchOf(after, [creation()]))),
      );
      expect(outcomes.filter(({ appended }) => appended)).toHaveLength(1);
      const head = await catalog.log.head(TENANT);
      expect(head.revision).toBe(1);
      for (const outcome of outcomes) expect(outcome.head).toEqual(head);
      await expectWholeLog(catalog);
    });

    if (suite.capabilities.sharing !== 'NONE') {
      it('of two instances on the same data that append at one place one wins [P1]', async () => {
        const harness = await openHarness(suite);
        const both = [harness.catalog, await harness.openAnother()];
        for (let round = 0; round < 20; round += 1) {
          const after = await both[round % 2]!.log.head(TENANT);
          const outcomes = await Promise.all(
            both.map((catalog) => catalog.log.append(TENANT, batchOf(after, [creation()]))),
          );
          expect(outcomes.filter(({ appended }) => appended)).toHaveLength(1);
          expect(outcomes[0]!.head).toEqual(outcomes[1]!.head);
          expect(outcomes[0]!.head.revision).toBe(round + 1);
        }
        for (const catalog of both) await expectWholeLog(catalog);
      });
    }

    it('of writers who take the next place when they lost one, nobody is lost [P1]', async () => {
      const catalog = await openCatalog(suite);
      const ids = Array.from({ length: 80 }, (_, at) => `s${String(at)}`);
      const writers = Array.from({ length: 8 }, async (_, writer) => {
        for (const id of ids.slice(writer * 10, writer * 10 + 10)) {
          await appendUntilPlaced(catalog, TENANT, creation({ id }));
        }
      });
      await Promise.all(writers);
      const log = await readLog(catalog, TENANT);
      expect(log.map((commit) => commit.changes[0]!.after!.id).sort()).toEqual(ids.sort());
      await expectWholeLog(catalog);
    });

    it('many tenants at once keep to their own logs', async () => {
      const catalog = await openCatalog(suite);
      const tenants = Array.from({ length: 20 }, (_, at) => `t${String(at)}`);
      await Promise.all(
        tenants.map(async (tenant) => {
          for (let n = 0; n < 5; n += 1) await appendAtHead(catalog, tenant, creation());
        }),
      );
      for (const tenant of tenants) {
        const log = await readLog(catalog, tenant);
        expect(log.map((commit) => commit.revision)).toEqual([1, 2, 3, 4, 5]);
      }
      expect([...(await catalog.log.tenants())].sort()).toEqual([...tenants].sort());
    });

    describe('is refused with the head, and writes nothing', () => {
      const wrong: Record<string, (head: Position) => Position> = {
        'at a former revision': (head) => ({ ...head, revision: 0, fingerprint: '' }),
        'beyond the head': (head) => ({ ...head, revision: head.revision + 1 }),
        'with another fingerprint': (head) => ({ ...head, fingerprint: 'of another history' }),
        'of another epoch': (head) => ({ ...head, epoch: 'another life' }),
      };
      it.each(Object.entries(wrong))('%s', async (_case, spoil) => {
        const catalog = await openCatalog(suite);
        const { batch, outcome } = await appendAtHead(catalog, TENANT, creation(), creation());
        const late = batchOf(spoil(outcome.head), [creation(), creation()]);
        const refused = await catalog.log.append(TENANT, late);
        expect(refused).toEqual({ appended: false, head: outcome.head });
        expect(await readLog(catalog, TENANT)).toEqual(batch.commits);
        await expectWholeLog(catalog);
      });
    });

    it('a refused batch leaves nothing of itself [D32]', async () => {
      const catalog = await openCatalog(suite);
      const after = await catalog.log.head(TENANT);
      await appendAtHead(catalog, TENANT, creation({ id: 'first' }));
      const request = { principal: 'p', requestId: 'r', bodyDigest: 'd' };
      const late = batchOf(after, [
        { ...creation({ id: 'late', name: 'late', owner: 'ana' }), request },
        creation({ id: 'later', tier: 'APP' }),
      ]);
      expect((await catalog.log.append(TENANT, late)).appended).toBe(false);
      await catalog.projections.project(TENANT, 3);
      expect((await findServer(catalog, TENANT, 'late')).value).toBeUndefined();
      expect(
        (await catalog.projections.serversNamed(TENANT, { name: 'late', limit: 9 })).value,
      ).toEqual([]);
      expect((await catalog.projections.privateServers(TENANT, ['user:ana'])).value).toEqual([]);
      expect((await catalog.projections.sharedServers(TENANT)).value).toHaveLength(1);
      expect((await findAnswer(catalog, TENANT, request)).value).toBeUndefined();
    });

    it('a batch that is already in its place is a success [P12]', async () => {
      const catalog = await openCatalog(suite);
      const { batch, outcome } = await appendAtHead(catalog, TENANT, creation(), creation());
      expect(await catalog.log.append(TENANT, batch)).toEqual(outcome);
      await appendAtHead(catalog, TENANT, creation());
      const again = await catalog.log.append(TENANT, batch);
      expect(again).toEqual({ appended: true, head: await catalog.log.head(TENANT) });
      await catalog.log.compact(TENANT, 2, { answersBefore: 0 });
      expect((await catalog.log.append(TENANT, batch)).appended).toBe(true);
      expect((await catalog.log.head(TENANT)).revision).toBe(3);
      expect(await readLog(catalog, TENANT, 2)).toHaveLength(1);
    });

    it('a batch that is sent twice at once is there once [P12]', async () => {
      const catalog = await openCatalog(suite);
      const batch = batchOf(await catalog.log.head(TENANT), [creation()]);
      const outcomes = await Promise.all([batch, batch].map((b) => catalog.log.append(TENANT, b)));
      expect(outcomes.map(({ appended }) => appended)).toEqual([true, true]);
      expect(await readLog(catalog, TENANT)).toEqual(batch.commits);
    });

    it('equal commits under another batch id are not ours [P12]', async () => {
      const catalog = await openCatalog(suite);
      const { batch } = await appendAtHead(catalog, TENANT, creation());
      const other = { ...batch, batchId: 'of someone else' };
      expect((await catalog.log.append(TENANT, other)).appended).toBe(false);
    });

    it('takes a batch near 8 MB and refuses a larger one, writing nothing [P5]', async () => {
      const catalog = await openCatalog(suite);
      const sized = (bytes: number) => creation({ spec: { description: 'x'.repeat(bytes) } });
      const start = await catalog.log.head(TENANT);
      const room = MAX_BATCH_BYTES - 8_192;
      const tooLarge = [
        batchOf(start, [sized(MAX_BATCH_BYTES)]),
        batchOf(start, [sized(room / 2), sized(room / 2), sized(8_192)]),
        batchOf(start, [creation({ spec: { description: '文'.repeat(room / 2) } })]),
      ];
      for (const batch of tooLarge) {
        expect(await reasonOf(catalog.log.append(TENANT, batch))).toBe('COMMIT_TOO_LARGE');
      }
      expect(await catalog.log.head(TENANT)).toEqual(start);
      expect(await catalog.log.tenants()).toEqual([]);
      const { batch } = await appendAtHead(catalog, TENANT, sized(room));
      expect(await readLog(catalog, TENANT)).toEqual(batch.commits);
    });

    it('what was acknowledged can be read at once, by everybody who asks [R1]', async () => {
      const catalog = await openCatalog(suite);
      for (let n = 1; n <= 20; n += 1) {
        const { outcome } = await appendAtHead(catalog, TENANT, creation({ id: `s${String(n)}` }));
        expect(await catalog.log.head(TENANT)).toEqual(outcome.head);
        expect((await catalog.log.read(TENANT, n - 1)).commits).toHaveLength(1);
      }
    });
  });
}

/** The log has no hole, its fingerprints belong to it, and the projections are its sum. */
export async function expectWholeLog(catalog: Catalog, tenant = TENANT): Promise<void> {
  const log = await readLog(catalog, tenant);
  const head = await catalog.log.head(tenant);
  const start = { epoch: head.epoch, revision: 0, fingerprint: '' };
  expect(batchOf(start, log).commits).toEqual(log);
  expect(head.revision).toBe(log.length);
  expect(head.fingerprint).toBe(log.at(-1)?.fingerprint ?? '');
  await catalog.projections.project(tenant, head.revision);
  expect(await projectionDifferences(catalog, tenant, replay(log))).toEqual([]);
}
