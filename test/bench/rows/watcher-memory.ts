import { WatchServersRequest } from '../../../generated/switchboard/v1/registry_service.js';
import { Tier } from '../../../generated/switchboard/v1/server.js';
import { userView } from '../../support/grpc-admin/grpc-admin.js';
import type { Arm, Bench } from '../bench.js';
import { declareServers } from '../lab/declare.js';
import type { Lab } from '../lab/lab.js';
import { startWorker, type Worker } from '../lab/worker.js';
import { type BareGrpc, WATCH_PATH } from '../roles/bare-grpc.js';
import type { ControlPlane } from '../roles/control-plane.js';
import type { WatchLoad } from '../roles/watch-load.js';

const WATCH_SERVERS_PATH = '/switchboard.v1.RegistryService/WatchServers';
const SHARED_SERVERS = 5;
const CONNECTIONS = 10;
/** Opened before the first measurement, so that code and sockets are there. */
const FIRST = 50;

/** What a stream costs the server while it is quiet, each of a user of its own. */
export const watcherMemory: Bench = {
  name: 'watcher-memory',
  about:
    '2,000 idle streams on 10 connections, each a WatchServers of another user. Heap and ' +
    'buffers of the server after garbage collection, minus those with 50 streams, per stream. ' +
    'Every run starts a new server.',
  rows: [
    {
      name: 'memory of a watcher',
      figure: 'heap',
      unit: 'bytes',
      against: 'bare',
      baseline: 'bare grpc-js stream',
      ratio: 'ours / baseline',
      mark: { of: 'difference', direction: 'at most', bound: 4_096 },
      beside: [{ figure: 'rss', label: 'resident', unit: 'bytes' }],
    },
  ],
  warmUp: false,
  open: (lab) => Promise.resolve({ ours: measureOurs(lab), bare: measureBare(lab) }),
};

const NODE_FLAGS = { nodeFlags: ['--expose-gc'] };

function measureOurs(lab: Lab): Arm {
  return async () => {
    const server = startWorker<ControlPlane>(
      lab,
      new URL('../roles/control-plane.js', import.meta.url),
      NODE_FLAGS,
    );
    const address = await server.call('start', await lab.folder());
    await declareServers(address, { shared: SHARED_SERVERS, tier: Tier.TIER_USER });
    const requestOf = (index: number): Buffer => {
      const view = userView(`user-${String(index)}`);
      return Buffer.from(
        WatchServersRequest.encode(WatchServersRequest.fromPartial({ view })).finish(),
      );
    };
    const target = { address, path: WATCH_SERVERS_PATH, greetings: SHARED_SERVERS + 1 };
    return perStream(lab, server, { target, requestOf });
  };
}

function measureBare(lab: Lab): Arm {
  return async () => {
    const server = startWorker<BareGrpc>(
      lab,
      new URL('../roles/bare-grpc.js', import.meta.url),
      NODE_FLAGS,
    );
    const address = await server.call('start');
    await server.call('behave', { greeting: Buffer.from('hello') });
    const target = { address, path: WATCH_PATH, greetings: 1 };
    return perStream(lab, server, { target, requestOf: () => Buffer.alloc(0) });
  };
}

interface Opening {
  readonly target: { readonly address: string; readonly path: string; readonly greetings: number };
  readonly requestOf: (index: number) => Buffer;
}

async function perStream(
  lab: Lab,
  server: Pick<Worker<ControlPlane>, 'usage' | 'stop'>,
  { target, requestOf }: Opening,
): Promise<{ readonly heap: number; readonly rss: number }> {
  const load = startWorker<WatchLoad>(lab, new URL('../roles/watch-load.js', import.meta.url));
  const streams = lab.isQuick ? 200 : 2_000;
  const open = (from: number, count: number): Promise<void> =>
    load.call('open', {
      ...target,
      connections: CONNECTIONS,
      streamsEach: count / CONNECTIONS,
      requests: Array.from({ length: count }, (_, index) => requestOf(from + index)),
    });
  await open(0, FIRST);
  const before = await server.usage();
  await open(FIRST, streams);
  const after = await server.usage();
  await load.stop();
  await server.stop();
  return {
    heap: (after.heapBytes - before.heapBytes) / streams,
    rss: (after.rssBytes - before.rssBytes) / streams,
  };
}
