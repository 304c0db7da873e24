import { describe, expect, it } from 'vitest';
import { describeAppend } from './catalog/append.js';
import { describeCompaction } from './catalog/compaction.js';
import { describeData } from './catalog/data.js';
import { describeFailpoints } from './catalog/failpoints.js';
import { openCatalog, type CatalogSuite } from './catalog/harness.js';
import { describeLifecycle } from './catalog/lifecycle.js';
import { describeLoadRecords } from './catalog/load-records.js';
import { describePrivateSource } from './catalog/private-source.js';
import { describeLog } from './catalog/log.js';
import { describeProjections } from './catalog/projections.js';
import { describeRanges } from './catalog/ranges.js';
import { describeReopening } from './catalog/reopening.js';
import { describeVersions } from './catalog/versions.js';

export type { CatalogHarness, CatalogSuite } from './catalog/harness.js';

/**
 * Registers the conformance suite of the Catalog contract. Every engine and every wrapper
 * runs all of it; what an engine declares absent is tested to be absent.
 */
export function describeCatalog(name: string, suite: CatalogSuite): void {
  describe(`catalog: ${name}`, () => {
    it('declares what it can do', async () => {
      const catalog = await openCatalog(suite);
      expect(catalog.capabilities).toEqual(suite.capabilities);
    });
    describeLifecycle(suite);
    describeData(suite);
    describeAppend(suite);
    describeLog(suite);
    describeCompaction(suite);
    describeProjections(suite);
    describeRanges(suite);
    describeVersions(suite);
    describeLoadRecords(suite);
    describePrivateSource(suite);
    describeReopening(suite);
    describeFailpoints(suite);
  });
}
