import type { Arm, Bench } from '../bench.js';
import { FRAMES_PER_COMMIT, type WatchedServer, watchEtcd, watchOurs } from '../lab/fan-out.js';
import { startWorker } from '../lab/worker.js';
import type { WatchLoad } from '../roles/watch-load.js';

/** How long a commit takes to the callbacks of 1,000 watchers, at a pace that both can hold. */
export const commitToCallback: Bench = {
  name: 'commit-to-callback',
  about:
    '1,000 streams on 10 connections watch; 10 commits are made per second. Measured from ' +
    'sending the write, which both flush to disk, to the callback of each stream.',
  rows: [
    {
      name: 'commit to callback, p99',
      figure: 'p99',
      unit: 'ms',
      against: 'etcd',
      baseline: 'etcd put and watch, flushed',
      ratio: 'ours / baseline',
      mark: { of: 'ratio', direction: 'at most', bound: 1 },
      beside: [
        { figure: 'p50', label: 'p50', unit: 'ms' },
        { figure: 'cpu', label: 'server CPU', unit: 'µs per delivery' },
      ],
    },
  ],
  async open(lab) {
    const topology = { connections: 10, streamsEach: lab.isQuick ? 10 : 100 };
    const load = startWorker<WatchLoad>(lab, new URL('../roles/watch-load.js', import.meta.url));
    const ours = await watchOurs(lab, load, topology);
    const etcd = await watchEtcd(lab, load, { topology, trace: ours.trace });
    const pace = { commits: lab.isQuick ? 5 : 50, everyMs: 100 };
    const arm =
      ({ fleet, server }: WatchedServer, perCommit: number): Arm =>
      async () => {
        const before = await server.usage();
        const options = { name: fleet, perCommit, ...pace };
        const { p50, p99, deliveries } = await load.call('openLoop', options);
        const after = await server.usage();
        return { p50, p99, cpu: (after.cpuMicros - before.cpuMicros) / deliveries };
      };
    return {
      ours: arm(ours, FRAMES_PER_COMMIT),
      ...(etcd === undefined ? {} : { etcd: arm(etcd, 1) }),
    };
  },
};
