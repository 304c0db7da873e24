import { WatchServersRequest } from '../../../generated/switchboard/v1/registry_service.js';
import {
  byId,
  openAdmin,
  serverOf,
  userView,
  INVENTORY,
} from '../../support/grpc-admin/grpc-admin.js';
import type { Arm, Bench } from '../bench.js';
import { FRAMES_PER_COMMIT, WATCH_SERVERS_PATH } from '../lab/fan-out.js';
import { fill, withCatalog } from '../lab/fill.js';
import { startWorker } from '../lab/worker.js';
import type { ControlPlane } from '../roles/control-plane.js';
import type { WatchLoad } from '../roles/watch-load.js';

const MANY = 10_000;
const ID = 'granted';

/** What an update of a private server costs, by how many it is granted to. */
export const updateGranted: Bench = {
  name: 'update-granted',
  about:
    'UpdateServer of a PRIVATE server that is granted to 10,000 users, against one that is ' +
    'granted to 1, each in its own tenant. One of those users watches; each update waits until ' +
    'the watcher has received the previous one, and there may be no more messages than ' +
    'updates. The grants are written to the log in advance.',
  rows: [
    {
      name: 'update of a server granted to 10,000',
      figure: 'cpu',
      unit: 'µs server CPU per update',
      against: 'one',
      baseline: 'the same granted to 1',
      ratio: 'ours / baseline',
      mark: { of: 'ratio', direction: 'at most', bound: 1.1 },
      beside: [{ figure: 'rate', label: 'updates', unit: '/s' }],
    },
  ],
  async open(lab) {
    const dataDir = await lab.folder();
    const many = lab.isQuick ? 100 : MANY;
    await withCatalog(dataDir, async (catalog) => {
      for (const [tenant, count] of [
        ['many', many],
        ['one', 1],
      ] as const) {
        const grantedTo = Array.from(
          { length: count },
          (_, index) => `user:${String(index)}` as const,
        );
        await fill(catalog, tenant, [{ id: ID, name: ID, owner: 'giver', grantedTo }]);
      }
    });
    const server = startWorker<ControlPlane>(
      lab,
      new URL('../roles/control-plane.js', import.meta.url),
    );
    const load = startWorker<WatchLoad>(lab, new URL('../roles/watch-load.js', import.meta.url));
    const address = await server.call('start', dataDir);
    const arm = async (tenant: string): Promise<Arm> => {
      const admin = openAdmin(address);
      const { etag } = serverOf(await admin.get({ tenant, view: INVENTORY, key: byId(ID) }));
      admin.close();
      const view = userView('0');
      const watch = WatchServersRequest.encode(WatchServersRequest.fromPartial({ tenant, view }));
      await load.call('connect', {
        name: tenant,
        streams: {
          address,
          path: WATCH_SERVERS_PATH,
          requests: [Buffer.from(watch.finish())],
          connections: 1,
          streamsEach: 1,
          greetings: 2,
        },
        writer: { kind: 'update', tenant, targets: [{ id: ID, etag }] },
      });
      return async () => {
        const before = await server.usage();
        const ms = lab.isQuick ? 100 : 1_500;
        const options = { name: tenant, ms, window: 1, perCommit: FRAMES_PER_COMMIT };
        const { commits, seconds } = await load.call('closedLoop', options);
        const after = await server.usage();
        return { cpu: (after.cpuMicros - before.cpuMicros) / commits, rate: commits / seconds };
      };
    };
    return { ours: await arm('many'), one: await arm('one') };
  },
};
