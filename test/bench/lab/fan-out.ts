import { WatchServersRequest } from '../../../generated/switchboard/v1/registry_service.js';
import { Tier } from '../../../generated/switchboard/v1/server.js';
import { DEFAULT_TENANT } from '../../../src/domain/caller.js';
import { APP, declare, httpSpec, openAdmin } from '../../support/grpc-admin/grpc-admin.js';
import { type BareGrpc, TRIGGER_PATH, WATCH_PATH as BARE_WATCH_PATH } from '../roles/bare-grpc.js';
import type { ControlPlane } from '../roles/control-plane.js';
import type { EtcdRole } from '../roles/etcd.js';
import type { CommitTrace, WatchLoad } from '../roles/watch-load.js';
import {
  encodePut,
  encodeWatch,
  PUT_PATH,
  WATCH_PATH as ETCD_WATCH_PATH,
} from './etcd-messages.js';
import type { Lab } from './lab.js';
import { startWorker, type Usage, type Worker } from './worker.js';
import type { Target } from './writers.js';

/** How watchers spread over connections. */
export interface Topology {
  readonly connections: number;
  readonly streamsEach: number;
}

/** A server with watchers on it; the fleet of this name in the load process. */
export interface WatchedServer {
  readonly fleet: string;
  readonly server: { usage(): Promise<Usage> };
}

/** Messages of ours for one commit of one change: the change, which also closes the commit. */
export const FRAMES_PER_COMMIT = 1;

/** The method by which ours is watched. */
export const WATCH_SERVERS_PATH = '/switchboard.v1.RegistryService/WatchServers';
const TARGETS = 16;

/** A control plane whose watchers of the app's view see every commit. */
export async function watchOurs(
  lab: Lab,
  load: Worker<WatchLoad>,
  topology: Topology,
): Promise<WatchedServer & { readonly trace: CommitTrace }> {
  const server = startWorker<ControlPlane>(
    lab,
    new URL('../roles/control-plane.js', import.meta.url),
  );
  const address = await server.call('start', await lab.folder());
  const targets = await declareTargets(address);
  const request = Buffer.from(
    WatchServersRequest.encode(WatchServersRequest.fromPartial({ view: APP })).finish(),
  );
  await load.call('connect', {
    name: 'ours',
    streams: {
      ...topology,
      address,
      path: WATCH_SERVERS_PATH,
      requests: [request],
      greetings: targets.length + 1,
    },
    writer: { kind: 'update', tenant: DEFAULT_TENANT, targets },
  });
  // Not the first: numbers of one digit are shorter.
  let trace = await load.call('commitOnce', { name: 'ours', perCommit: FRAMES_PER_COMMIT });
  for (let count = 0; count < 20; count += 1)
    trace = await load.call('commitOnce', { name: 'ours', perCommit: FRAMES_PER_COMMIT });
  return { fleet: 'ours', server, trace };
}

/** A bare server: for each call it writes what it is told to, to every stream. */
export async function watchBare(
  lab: Lab,
  load: Worker<WatchLoad>,
  { topology, trace }: { readonly topology: Topology; readonly trace: CommitTrace },
): Promise<WatchedServer & { readonly server: Worker<BareGrpc> }> {
  const server = startWorker<BareGrpc>(lab, new URL('../roles/bare-grpc.js', import.meta.url));
  const address = await server.call('start');
  await server.call('behave', { greeting: Buffer.from('hello') });
  const { request } = trace;
  await load.call('connect', {
    name: 'bare',
    streams: {
      ...topology,
      address,
      path: BARE_WATCH_PATH,
      requests: [Buffer.alloc(0)],
      greetings: 1,
    },
    writer: { kind: 'call', path: TRIGGER_PATH, request },
  });
  return { fleet: 'bare', server };
}

/** etcd with watchers of one key; undefined where it cannot be had. */
export async function watchEtcd(
  lab: Lab,
  load: Worker<WatchLoad>,
  { topology, trace }: { readonly topology: Topology; readonly trace: CommitTrace },
): Promise<WatchedServer | undefined> {
  const program = await lab.etcd();
  if (program === undefined) return undefined;
  const server = startWorker<EtcdRole>(lab, new URL('../roles/etcd.js', import.meta.url));
  const address = await server.call('start', { program, dataDir: await lab.folder() });
  const key = Buffer.from('servers/tools');
  const connect = (name: string, bytes: number, shape: Topology): Promise<void> =>
    load.call('connect', {
      name,
      streams: {
        ...shape,
        address,
        path: ETCD_WATCH_PATH,
        isEtcd: true,
        requests: [encodeWatch(key)],
        greetings: 1,
      },
      writer: { kind: 'call', path: PUT_PATH, request: encodePut(key, Buffer.alloc(bytes, 'x')) },
    });
  // Its message is larger than the value: by how much is seen on a first stream.
  const wanted = trace.messages.reduce((sum, message) => sum + message.byteLength, 0);
  await connect('etcd-probe', wanted, { connections: 1, streamsEach: 1 });
  const probe = await load.call('commitOnce', { name: 'etcd-probe', perCommit: 1 });
  await load.call('close', 'etcd-probe');
  const extra = (probe.messages[0]?.byteLength ?? wanted) - wanted;
  await connect('etcd', Math.max(1, wanted - extra), topology);
  return { fleet: 'etcd', server };
}

async function declareTargets(address: string): Promise<readonly Target[]> {
  const admin = openAdmin(address);
  const spec = httpSpec('https://tools.example/mcp', { title: 'Tools of the office' });
  const targets: Target[] = [];
  for (let index = 0; index < TARGETS; index += 1) {
    const name = `tools-${String(index).padStart(2, '0')}`;
    const { id, etag } = await declare(admin, DEFAULT_TENANT, { name, tier: Tier.TIER_APP, spec });
    targets.push({ id, etag });
  }
  admin.close();
  return targets;
}
