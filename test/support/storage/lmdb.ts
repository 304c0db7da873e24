import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbCatalog } from '../../../src/storage/catalog/lmdb/open-lmdb-catalog.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import type { CatalogHarness, CatalogSuite } from '../../conformance/catalog.suite.js';

/** A folder for one test's data, and how to remove it. */
export async function temporaryFolder(): Promise<{
  readonly path: string;
  remove(): Promise<void>;
}> {
  const path = await mkdtemp(join(tmpdir(), 'switchboard-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** LMDB catalogs in folders of their own. */
export const createLmdbHarness: CatalogSuite['create'] = async (
  options,
): Promise<CatalogHarness> => {
  const folder = await temporaryFolder();
  const open = (): Promise<Catalog> => openLmdbCatalog({ dataDir: folder.path, ...options });
  const catalog = await open();
  let current = catalog;
  const others: Catalog[] = [];
  return {
    catalog,
    reopen: async () => {
      await current.close();
      return (current = await open());
    },
    openAnother: async () => {
      const another = await open();
      others.push(another);
      return another;
    },
    dispose: async () => {
      for (const opened of [...others, current]) await opened.close();
      await folder.remove();
    },
  };
};
