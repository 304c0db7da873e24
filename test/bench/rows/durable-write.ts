import type { Arm, Bench, RowSpec } from '../bench.js';
import { startWorker } from '../lab/worker.js';
import type { DurableWrite, WriteResult } from '../roles/durable-write.js';

/** Appends at the Catalog contract, against LMDB alone. */
export const durableWrite: readonly Bench[] = [durableWriteBy(1, 500), durableWriteBy(64, 60)];

function durableWriteBy(writers: number, commitsEach: number): Bench {
  const who = writers === 1 ? '1 writer' : `${String(writers)} writers`;
  return {
    name: `durable-write ${who}`,
    about:
      `Appends of one update each by ${who} to the Catalog in LMDB, each writer waiting for ` +
      'its previous append and using its own tenant. Bare LMDB puts the same rows (log, head, ' +
      'record, response to the request), prepared in advance, with the same settings and ' +
      'flush; or only the log row.',
    rows: [
      {
        ...rowOf(who, 'bare', 'bare LMDB, the same rows'),
        mark: { of: 'ratio', direction: 'at least', bound: 0.7 },
      },
      rowOf(who, 'log', 'bare LMDB, the log row alone'),
    ],
    async open(lab) {
      const role = startWorker<DurableWrite>(
        lab,
        new URL('../roles/durable-write.js', import.meta.url),
      );
      const [ours, bare, log] = [await lab.folder(), await lab.folder(), await lab.folder()];
      await role.call('open', { ours, bare, log });
      const load = { writers, each: lab.isQuick ? 5 : commitsEach };
      const arm =
        (side: 'ours' | 'bare' | 'log'): Arm =>
        async () =>
          figuresOf(await role.call(side, load));
      return { ours: arm('ours'), bare: arm('bare'), log: arm('log') };
    },
  };
}

function rowOf(who: string, against: string, baseline: string): RowSpec {
  return {
    name: `durable write, ${who}, ${against}`,
    figure: 'rate',
    unit: 'commits/s',
    against,
    baseline,
    ratio: 'ours / baseline',
    beside: [{ figure: 'cpu', label: 'CPU', unit: 'µs per commit' }],
  };
}

function figuresOf({ commits, seconds, cpuMicros }: WriteResult) {
  return { rate: commits / seconds, cpu: cpuMicros / commits };
}
