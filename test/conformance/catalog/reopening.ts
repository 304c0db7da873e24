import { describe, expect, it } from 'vitest';
import { loadOf } from '../../support/loads/loads.js';
import {
  appendAtHead,
  batchOf,
  changeOf,
  creation,
  draftOf,
  readLog,
  recordOf,
} from '../../support/storage/builders.js';
import { emptyModel, projectionDifferences, replay } from '../../support/storage/model.js';
import { expectWholeLog } from './append.js';
import { openHarness, readAtHead, TENANT, type CatalogSuite } from './harness.js';

/** What another opening of the same data finds, and what it finds where that is not promised. */
export function describeReopening(suite: CatalogSuite): void {
  const { durable, sharing } = suite.capabilities;

  if (durable) describeDurable(suite);
  else describeForgetful(suite);
  if (sharing === 'NONE') describeAlone(suite);
  else describeSeveral(suite);
}

function describeDurable(suite: CatalogSuite): void {
  describe('reopening, durable', () => {
    it('finds log, epoch, mark, projections and answers as they were [R1, F1]', async () => {
      const harness = await openHarness(suite);
      const { catalog } = harness;
      const request = { principal: 'p', requestId: 'r', bodyDigest: 'd' };
      const record = recordOf({ id: 'a', owner: 'ana' });
      await appendAtHead(catalog, TENANT, draftOf(changeOf(undefined, record)));
      await appendAtHead(catalog, TENANT, creation({ id: 'b' }), creation({ id: 'c' }));
      const loads = [{ after: loadOf('ana', { revision: 4 }) }];
      await appendAtHead(catalog, TENANT, draftOf(changeOf(record, undefined), { loads, request }));
      const model = replay(await readLog(catalog, TENANT));
      await catalog.log.compact(TENANT, 1, { answersBefore: 0 });
      await catalog.projections.project(TENANT, 4);
      const [head, slice] = [await catalog.log.head(TENANT), await catalog.log.read(TENANT, 1)];
      const unwritten = await catalog.log.head('unwritten');

      const reopened = readAtHead(await harness.reopen());
      expect(await reopened.log.head(TENANT)).toEqual(head);
      expect(await reopened.log.read(TENANT, 1)).toEqual(slice);
      expect(slice.mark).toBe(1);
      expect(await reopened.log.head('unwritten')).toEqual(unwritten);
      expect(await reopened.log.tenants()).toEqual([TENANT]);
      expect(await projectionDifferences(reopened, TENANT, model)).toEqual([]);
    });

    it('goes on where the log ended, and refuses who has not seen it [R1, P1]', async () => {
      const harness = await openHarness(suite);
      const stale = await harness.catalog.log.head(TENANT);
      const { outcome } = await appendAtHead(harness.catalog, TENANT, creation());
      const reopened = readAtHead(await harness.reopen());
      const refused = await reopened.log.append(TENANT, batchOf(stale, [creation()]));
      expect(refused).toEqual({ appended: false, head: outcome.head });
      await appendAtHead(reopened, TENANT, creation());
      await expectWholeLog(reopened);
      expect((await reopened.log.head(TENANT)).revision).toBe(2);
    });

    it('keeps what was appended at once by many [R1, F1]', async () => {
      const harness = await openHarness(suite);
      const tenants = Array.from({ length: 30 }, (_, at) => `t${String(at)}`);
      const heads = await Promise.all(
        tenants.map(async (tenant) => {
          const { outcome } = await appendAtHead(harness.catalog, tenant, creation());
          return outcome.head;
        }),
      );
      const reopened = readAtHead(await harness.reopen());
      expect(await Promise.all(tenants.map((tenant) => reopened.log.head(tenant)))).toEqual(heads);
    });
  });
}

function describeForgetful(suite: CatalogSuite): void {
  describe('reopening, not durable', () => {
    it('finds nothing, and another epoch', async () => {
      const harness = await openHarness(suite);
      const { outcome } = await appendAtHead(harness.catalog, TENANT, creation());
      const reopened = readAtHead(await harness.reopen());
      const head = await reopened.log.head(TENANT);
      expect(head.revision).toBe(0);
      expect(head.epoch).not.toBe(outcome.head.epoch);
      expect(await projectionDifferences(reopened, TENANT, emptyModel())).toEqual([]);
    });
  });
}

function describeSeveral(suite: CatalogSuite): void {
  describe('several instances on the same data', () => {
    it('see at once what any of them acknowledged [R1]', async () => {
      const harness = await openHarness(suite);
      const all = [harness.catalog, await harness.openAnother(), await harness.openAnother()];
      for (let n = 0; n < 12; n += 1) {
        const { outcome } = await appendAtHead(all[n % 3]!, TENANT, creation());
        for (const catalog of all) expect(await catalog.log.head(TENANT)).toEqual(outcome.head);
      }
      for (const catalog of all) await expectWholeLog(catalog);
    });

    it('may be opened while others write', async () => {
      const harness = await openHarness(suite);
      const tenants = Array.from({ length: 10 }, (_, at) => `t${String(at)}`);
      const writing = tenants.map(async (tenant) => {
        for (let n = 0; n < 5; n += 1) await appendAtHead(harness.catalog, tenant, creation());
      });
      const others = [];
      for (let n = 0; n < 3; n += 1) others.push(await harness.openAnother());
      await Promise.all(writing);
      for (const other of others) expect((await other.log.head('t9')).revision).toBe(5);
    });

    it('go on when one of them is closed', async () => {
      const harness = await openHarness(suite);
      const other = await harness.openAnother();
      await appendAtHead(other, TENANT, creation());
      await other.close();
      await appendAtHead(harness.catalog, TENANT, creation());
      await expectWholeLog(harness.catalog);
      expect((await harness.catalog.log.head(TENANT)).revision).toBe(2);
    });
  });
}

function describeAlone(suite: CatalogSuite): void {
  describe('several instances', () => {
    it('are not to be had: another one has data and epochs of its own', async () => {
      const harness = await openHarness(suite);
      const { outcome } = await appendAtHead(harness.catalog, TENANT, creation());
      const other = await harness.openAnother();
      const head = await other.log.head(TENANT);
      expect(head.revision).toBe(0);
      expect(head.epoch).not.toBe(outcome.head.epoch);
    });
  });
}
