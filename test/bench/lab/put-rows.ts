import type { TableWrite } from '../../../src/storage/catalog/lmdb/plan-append.js';
import type { LmdbStore } from '../../../src/storage/catalog/lmdb/store.js';

/** Puts rows in one transaction; resolves when they are on the disk. */
export function putRows(store: LmdbStore, rows: readonly TableWrite[]): Promise<unknown> {
  return store.root.batch(() => {
    for (const { table, key, value, version } of rows) {
      if (value === undefined) void table.remove(key);
      else if (version === undefined) void table.put(key, value);
      else void table.put(key, value, version);
    }
  });
}
