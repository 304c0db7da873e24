import type { Failpoint } from '../domain/failpoint.js';
import type { Catalog } from './catalog.js';
import { openLmdbCatalog } from './catalog/lmdb/open-lmdb-catalog.js';
import { openMemoryCatalog } from './catalog/memory/open-memory-catalog.js';
import type { Leases } from './leases.js';
import { openMemoryLeases } from './leases/memory/memory-leases.js';
import type { Relay } from './relay.js';
import { openMemoryRelay } from './relay/memory/memory-relay.js';

/** One process with everything it needs: the Catalog in LMDB, relay and leases in memory. */
export interface EmbeddedStorageOptions {
  readonly kind: 'embedded';
  /** The folder that holds the catalog; made if it does not exist. */
  readonly dataDir: string;
  /** Default: none. */
  readonly failpoint?: Failpoint;
}

/** All in memory: what is written is gone when it is closed. */
export interface MemoryStorageOptions {
  readonly kind: 'memory';
  /** Default: none. */
  readonly failpoint?: Failpoint;
}

/** Which engines to open. */
export type StorageOptions = EmbeddedStorageOptions | MemoryStorageOptions;

/** The opened engines, by their contracts. */
export interface Storage {
  readonly catalog: Catalog;
  readonly relay: Relay;
  readonly leases: Leases;
  /**
   * Closes all of them, the Catalog last; each also if another fails to close. Then throws
   * an AggregateError of what failed. Closing twice is fine.
   */
  close(): Promise<void>;
}

/**
 * Opens the storage. This is the one place where engines are chosen. Throws
 * CATALOG_UNAVAILABLE if `dataDir` cannot be used, and leaves nothing open then.
 */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const { failpoint } = options;
  const tested = failpoint === undefined ? {} : { failpoint };
  const catalog =
    options.kind === 'memory'
      ? await openMemoryCatalog(tested)
      : await openLmdbCatalog({ dataDir: options.dataDir, ...tested });
  const leases = await openMemoryLeases();
  const relay = await openMemoryRelay();
  let closing: Promise<void> | undefined;
  return {
    catalog,
    relay,
    leases,
    close: () => (closing ??= closeInOrder([leases, relay, catalog])),
  };
}

/** Closes one after the other, all of them; throws an AggregateError of what failed. */
export async function closeInOrder(parts: readonly { close(): Promise<void> }[]): Promise<void> {
  const errors: unknown[] = [];
  for (const part of parts) {
    try {
      await part.close();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, 'not everything could be closed');
}
