import type { Failpoint } from '../../../src/domain/failpoint.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import { openMemoryCatalog } from '../../../src/storage/catalog/memory/open-memory-catalog.js';
import type { CatalogHarness, CatalogSuite } from '../../conformance/catalog.suite.js';
import { openLaggingCatalog } from './lagging.js';

/** A harness of catalogs that keep nothing: whatever is opened begins empty. */
export async function harnessOf(open: () => Promise<Catalog>): Promise<CatalogHarness> {
  const opened = [await open()];
  const openAnother = async (): Promise<Catalog> => {
    const another = await open();
    opened.push(another);
    return another;
  };
  const [catalog] = opened as [Catalog];
  return {
    catalog,
    reopen: async () => {
      await catalog.close();
      return openAnother();
    },
    openAnother,
    dispose: async () => {
      for (const each of opened) await each.close();
    },
  };
}

export const createMemoryHarness: CatalogSuite['create'] = (options) =>
  harnessOf(() => openMemoryCatalog(options));

/** Lagging catalogs, each of the next seed. */
export function laggingHarnesses(seed: number): CatalogSuite['create'] {
  let next = seed;
  return (options: { readonly failpoint?: Failpoint }) =>
    harnessOf(async () => (await openLaggingCatalog({ ...options, seed: next++ })).catalog);
}
