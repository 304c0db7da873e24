import { describe, expect, it } from 'vitest';
import type { FailpointName } from '../../../src/domain/failpoint.js';
import { appendAtHead, batchOf, creation, readLog } from '../../support/storage/builders.js';
import { expectWholeLog } from './append.js';
import { openHarness, TENANT, type CatalogSuite } from './harness.js';
import { reasonOf } from '../../support/reason-of.js';

/** The named places of an append, and what a failure at each of them is called. */
export function describeFailpoints(suite: CatalogSuite): void {
  describe('failpoints', () => {
    it('are passed in order, by each append', async () => {
      const passed: FailpointName[] = [];
      const { catalog } = await openHarness(suite, { failpoint: (name) => void passed.push(name) });
      await appendAtHead(catalog, TENANT, creation());
      const once = ['append.before', 'append.beforeFlush', 'append.afterFlush'];
      expect(passed).toEqual(once);
      await appendAtHead(catalog, TENANT, creation());
      expect(passed).toEqual([...once, ...once]);
    });

    it('an append waits for a failpoint that takes its time', async () => {
      let release = (): void => {};
      const held = new Promise<void>((resolve) => (release = resolve));
      const failpoint = (name: FailpointName): Promise<void> | undefined =>
        name === 'append.afterFlush' ? held : undefined;
      const { catalog } = await openHarness(suite, { failpoint });
      let answered = false;
      const batch = batchOf(await catalog.log.head(TENANT), [creation()]);
      const append = catalog.log.append(TENANT, batch).then(() => (answered = true));
      await expect.poll(async () => (await catalog.log.head(TENANT)).revision).toBe(1);
      expect(answered).toBe(false);
      release();
      await append;
    });

    it.each([
      ['append.before', 'NOT_WRITTEN', 0],
      ['append.beforeFlush', 'OUTCOME_UNKNOWN', 1],
      ['append.afterFlush', 'OUTCOME_UNKNOWN', 1],
    ] as const)('a failure at %s is %s [R3, P12]', async (place, reason, revision) => {
      let failing = true;
      const failpoint = (name: FailpointName): void => {
        if (failing && name === place) throw new Error('as told');
      };
      const { catalog } = await openHarness(suite, { failpoint });
      const batch = batchOf(await catalog.log.head(TENANT), [creation()]);
      expect(await reasonOf(catalog.log.append(TENANT, batch))).toBe(reason);
      expect((await catalog.log.head(TENANT)).revision).toBe(revision);

      failing = false;
      expect((await catalog.log.append(TENANT, batch)).appended).toBe(true);
      expect(await readLog(catalog, TENANT)).toEqual(batch.commits);
      await expectWholeLog(catalog);
    });
  });
}
