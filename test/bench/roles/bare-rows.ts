import { encodeBatch } from '../../../src/storage/catalog/lmdb/document.js';
import { keyOf } from '../../../src/storage/catalog/lmdb/keys.js';
import { planAppend, type TableWrite } from '../../../src/storage/catalog/lmdb/plan-append.js';
import { type LmdbStore, openStore } from '../../../src/storage/catalog/lmdb/store.js';
import type { LogBatch } from '../../../src/storage/log.js';
import { quantile } from '../figures.js';
import { putRows } from '../lab/put-rows.js';
import { serve } from '../lab/serve.js';

/** What the rows are made of, and where they go. */
export interface BareRowsOptions {
  /** Two commits that undo each other. */
  readonly batches: readonly LogBatch[];
  /** Holds what their log held before them. */
  readonly to: string;
  readonly tenant: string;
}

/** What writing took. */
export interface BareRowsResult {
  readonly cpuMicros: number;
  readonly p50: number;
}

interface Opened {
  readonly store: LmdbStore;
  /** Of the two commits, in turns. */
  readonly rows: readonly (readonly TableWrite[])[];
  readonly logKey: (turn: number) => Buffer;
}

let opened: Opened | undefined;
let turn = 0;

const methods = {
  async open({ batches, to, tenant }: BareRowsOptions): Promise<void> {
    const encoded = batches.map(encodeBatch);
    const last = encoded.at(-1)?.last;
    if (last === undefined) throw new Error('no commit');
    const store = openStore(to);
    const rows = encoded.map((batch) => planAppend(store, tenant, batch));
    const logKey = (after: number): Buffer => keyOf(tenant, last.epoch, last.revision + after);
    opened = { store, rows, logKey };
  },
  /** Writes so many times, one after the other. */
  async put(times: number): Promise<BareRowsResult> {
    if (opened === undefined) throw new Error('nothing is open');
    const { store, rows, logKey } = opened;
    const latencies: number[] = [];
    const cpu = process.cpuUsage();
    for (let count = 0; count < times; count += 1) {
      const begin = performance.now();
      await putRows(store, inPlace(rows[turn % 2] ?? [], store.log, logKey(turn)));
      latencies.push(performance.now() - begin);
      turn += 1;
    }
    const { user, system } = process.cpuUsage(cpu);
    return { cpuMicros: user + system, p50: quantile(latencies, 0.5) };
  },
};

/** A log grows: its row gets a key of its own each time. */
function inPlace(
  rows: readonly TableWrite[],
  log: TableWrite['table'],
  key: Buffer,
): readonly TableWrite[] {
  return rows.map((row) => (row.table === log ? { ...row, key } : row));
}

/** The process that puts the rows of two commits into bare LMDB, again and again. */
export type BareRows = typeof methods;

serve(methods);
