import type { LogBatch } from '../../../src/storage/log.js';
import { encodeBatch } from '../../../src/storage/catalog/lmdb/document.js';
import { openLmdbCatalog } from '../../../src/storage/catalog/lmdb/open-lmdb-catalog.js';
import { planAppend } from '../../../src/storage/catalog/lmdb/plan-append.js';
import { type LmdbStore, openStore } from '../../../src/storage/catalog/lmdb/store.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import { putRows } from '../lab/put-rows.js';
import { serve } from '../lab/serve.js';
import { nextBatches, openChain, type WriteChain } from '../lab/write-chain.js';

/** Where the data of each side goes. */
export interface Folders {
  readonly ours: string;
  readonly bare: string;
  readonly log: string;
}

/** How much each writer writes, one commit after the other. */
export interface WriteLoad {
  readonly writers: number;
  readonly each: number;
}

/** What it took. */
export interface WriteResult {
  readonly commits: number;
  readonly seconds: number;
  readonly cpuMicros: number;
}

interface Stores {
  readonly catalog: Catalog;
  readonly bare: LmdbStore;
  readonly log: LmdbStore;
}

let stores: Stores | undefined;
/** Of each side its own: the histories go on apart. */
const chains = new Map<string, WriteChain[]>();

const methods = {
  async open({ ours, bare, log }: Folders): Promise<void> {
    stores = {
      catalog: await openLmdbCatalog({ dataDir: ours }),
      bare: openStore(bare),
      log: openStore(log),
    };
  },
  /** Appends to the Catalog, each writer to a tenant of its own. */
  ours: (load: WriteLoad) =>
    measure('ours', load, (chain, batches) => {
      const { catalog } = opened();
      return batches.map((batch) => async () => {
        const { appended } = await catalog.log.append(chain.tenant, batch);
        if (!appended) throw new Error('an append was refused');
      });
    }),
  /** Puts the rows that the Catalog would put, made ahead, into LMDB with the same settings. */
  bare: (load: WriteLoad) =>
    measure('bare', load, ({ tenant }, batches) => {
      const { bare } = opened();
      return batches
        .map((batch) => planAppend(bare, tenant, encodeBatch(batch)))
        .map((rows) => () => putRows(bare, rows));
    }),
  /** Puts nothing but the document of the log. */
  log: (load: WriteLoad) =>
    measure('logs', load, ({ tenant }, batches) => {
      const { log } = opened();
      return batches
        .map((batch) => planAppend(log, tenant, encodeBatch(batch)).slice(0, 1))
        .map((rows) => () => putRows(log, rows));
    }),
};

type Writes = (
  chain: WriteChain,
  batches: readonly LogBatch[],
) => readonly (() => Promise<unknown>)[];

async function measure(
  side: string,
  { writers, each }: WriteLoad,
  writesOf: Writes,
): Promise<WriteResult> {
  const all = (await chainsOf(side, writers)).map((chain) =>
    writesOf(chain, nextBatches(chain, each)),
  );
  const cpu = process.cpuUsage();
  const begin = performance.now();
  await Promise.all(all.map(oneAfterTheOther));
  const seconds = (performance.now() - begin) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { commits: writers * each, seconds, cpuMicros: user + system };
}

async function chainsOf(side: string, count: number): Promise<readonly WriteChain[]> {
  const known = chains.get(side) ?? [];
  chains.set(side, known);
  while (known.length < count) {
    known.push(
      await openChain(opened().catalog, `${side}-${String(known.length).padStart(4, '0')}`),
    );
  }
  return known.slice(0, count);
}

async function oneAfterTheOther(writes: readonly (() => Promise<unknown>)[]): Promise<void> {
  for (const write of writes) await write();
}

function opened(): Stores {
  if (stores === undefined) throw new Error('nothing is open');
  return stores;
}

/** The process that writes, to our Catalog and to bare LMDB. */
export type DurableWrite = typeof methods;

serve(methods);
