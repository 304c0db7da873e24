import type { Arm, Bench, RowSpec } from '../bench.js';
import {
  FRAMES_PER_COMMIT,
  type Topology,
  watchBare,
  type WatchedServer,
  watchEtcd,
  watchOurs,
} from '../lab/fan-out.js';
import type { Lab } from '../lab/lab.js';
import { startWorker, type Worker } from '../lab/worker.js';
import type { WatchLoad } from '../roles/watch-load.js';

/** So many commits are under way at once, of 16 servers. */
const WINDOW = 16;

/** The rate at which commits reach watchers of one view. */
export const watchFanOut: readonly Bench[] = [
  fanOut({ connections: 10, streamsEach: 100 }),
  fanOut({ connections: 100, streamsEach: 1 }),
  fanOut({ connections: 1_000, streamsEach: 1 }),
];

function fanOut(full: Topology): Bench {
  const shape = `${String(full.connections)} x ${String(full.streamsEach)}`;
  return {
    name: `watch-fan-out ${shape}`,
    about:
      `WatchServers of the app's view on ${String(full.connections)} connections with ` +
      `${String(full.streamsEach)} streams each. One process commits with UpdateServer, 16 ` +
      'calls in flight, and counts what arrives. A delivery is one commit on one stream. The ' +
      'bare server gets a call of the same bytes for each commit and writes one shared buffer, ' +
      'the same message as ours, to every stream.',
    rows: rowsOf(shape),
    async open(lab) {
      const topology = lab.isQuick
        ? { ...full, connections: Math.min(full.connections, 20) }
        : full;
      const load = startWorker<WatchLoad>(lab, new URL('../roles/watch-load.js', import.meta.url));
      const ours = await watchOurs(lab, load, topology);
      const { trace } = ours;
      const bare = await watchBare(lab, load, { topology, trace });
      const etcd = await watchEtcd(lab, load, { topology, trace });
      const arm = (watched: WatchedServer, perCommit: number): Arm =>
        measure(lab, load, { watched, perCommit });
      await bare.server.call('behave', { frames: trace.messages, triggerAnswer: trace.answer });
      return {
        ours: arm(ours, FRAMES_PER_COMMIT),
        bare: arm(bare, trace.messages.length),
        ...(etcd === undefined ? {} : { etcd: arm(etcd, 1) }),
      };
    },
  };
}

function measure(
  lab: Lab,
  load: Worker<WatchLoad>,
  { watched, perCommit }: { readonly watched: WatchedServer; readonly perCommit: number },
): Arm {
  return async () => {
    const before = await watched.server.usage();
    const ms = lab.isQuick ? 200 : 2_000;
    const options = { name: watched.fleet, perCommit, ms, window: WINDOW };
    const { commits, deliveries, seconds } = await load.call('closedLoop', options);
    const after = await watched.server.usage();
    return {
      rate: deliveries / seconds,
      cpu: (after.cpuMicros - before.cpuMicros) / deliveries,
      commits: commits / seconds,
    };
  };
}

function rowsOf(shape: string): readonly RowSpec[] {
  const row = (against: string, baseline: string, bound?: number): RowSpec => ({
    name: `watch fan-out ${shape}, ${against}`,
    figure: 'rate',
    unit: 'deliveries/s',
    against,
    baseline,
    ratio: 'ours / baseline',
    ...(bound === undefined ? {} : { mark: { of: 'ratio', direction: 'at least', bound } }),
    beside: [
      { figure: 'cpu', label: 'server CPU', unit: 'µs per delivery' },
      { figure: 'commits', label: 'commits', unit: '/s' },
    ],
  });
  return [
    row('bare', 'bare grpc-js, one shared buffer', 0.8),
    // To be ahead of etcd is a mark of the distributed deployment, which is not built yet.
    row('etcd', 'etcd watch'),
  ];
}
