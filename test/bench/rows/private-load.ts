import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ListPrivateServersRequest } from '../../../generated/switchboard/source/v1/private_source_service.js';
import { ListServersResponse } from '../../../generated/switchboard/v1/registry_service.js';
import { DEFAULT_TENANT } from '../../../src/domain/caller.js';
import { encodeBatch } from '../../../src/storage/catalog/lmdb/document.js';
import type { Arm, Bench } from '../bench.js';
import { startWorker, type Usage } from '../lab/worker.js';
import { type BareLoader, LOAD_PATH } from '../roles/bare-loader.js';
import type { ControlPlane } from '../roles/control-plane.js';
import type { NewUsers } from '../roles/new-users.js';
import { type PrivateSourceRole, SOURCE_PATH } from '../roles/private-source.js';

const LIST_PATH = '/switchboard.v1.RegistryService/ListServers';
const ROWS = 5;

/** What it costs when a user shows up whose servers are kept by a private source. */
export const privateLoad: Bench = {
  name: 'private-load',
  about:
    'ListServers for a new user who has 5 servers in a private source, which is a separate ' +
    'process; one user after the other. The bare handler does the same for each call: it ' +
    'requests as many rows from the same source with a bare grpc-js client, puts one document ' +
    'with the bytes of our log into LMDB with the same settings and flush, and returns the ' +
    'same bytes. It neither inspects the rows nor indexes the servers.',
  rows: [
    {
      name: 'first list for a user, from a source',
      figure: 'cpu',
      unit: 'µs server CPU per load',
      against: 'bare',
      baseline: 'bare grpc-js handler and client, bare LMDB put',
      ratio: 'ours / baseline',
      beside: [
        { figure: 'p50', label: 'p50', unit: 'ms' },
        { figure: 'p99', label: 'p99', unit: 'ms' },
      ],
    },
  ],
  async open(lab) {
    const role = (name: string): URL => new URL(`../roles/${name}.js`, import.meta.url);
    const source = startWorker<PrivateSourceRole>(lab, role('private-source'));
    const ours = startWorker<ControlPlane>(lab, role('control-plane'));
    const bare = startWorker<BareLoader>(lab, role('bare-loader'));
    const load = startWorker<NewUsers>(lab, role('new-users'));
    const target = await source.call('start', ROWS);
    const dataDir = await lab.folder();
    const privateSources = path.join(await lab.folder(), 'sources.json');
    const declared = { tenant: DEFAULT_TENANT, name: 'bench', target };
    await writeFile(privateSources, JSON.stringify({ sources: [declared] }));
    const address = await ours.call('startSourced', { dataDir, privateSources });
    const answer = await load.call('once', { address, path: LIST_PATH });
    if (ListServersResponse.decode(answer).servers.length !== ROWS)
      throw new Error('the list is not what the source has');
    const [batch] = await ours.call('newestBatches', { dataDir, count: 1 });
    if (batch === undefined) throw new Error('nothing was written');
    const bareAddress = await bare.call('start', {
      dataDir: await lab.folder(),
      source: { address: target, path: SOURCE_PATH, request: sourceRequest() },
      document: encodeBatch(batch).bytes,
      answer,
    });
    const arm =
      (server: { usage(): Promise<Usage> }, at: string, method: string): Arm =>
      async () => {
        const users = lab.isQuick ? 20 : 300;
        const before = await server.usage();
        const latency = await load.call('run', { address: at, path: method, users });
        const after = await server.usage();
        return { ...latency, cpu: (after.cpuMicros - before.cpuMicros) / users };
      };
    return { ours: arm(ours, address, LIST_PATH), bare: arm(bare, bareAddress, LOAD_PATH) };
  },
};

/** Of a user whose id is as long as those of the load. */
function sourceRequest(): Buffer {
  const message = ListPrivateServersRequest.fromPartial({
    tenant: DEFAULT_TENANT,
    user: 'user-00000000',
  });
  return Buffer.from(ListPrivateServersRequest.encode(message).finish());
}
