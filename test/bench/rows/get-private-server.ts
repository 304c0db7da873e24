import { GetServerRequest } from '../../../generated/switchboard/v1/registry_service.js';
import { Tier } from '../../../generated/switchboard/v1/server.js';
import { byName, userView } from '../../support/grpc-admin/grpc-admin.js';
import type { Arm, Bench } from '../bench.js';
import { declareServers } from '../lab/declare.js';
import { unaryArm } from '../lab/unary-arm.js';
import { startWorker } from '../lab/worker.js';
import type { ControlPlane } from '../roles/control-plane.js';
import type { UnaryLoad } from '../roles/unary-load.js';

const PATH = '/switchboard.v1.RegistryService/GetServer';
const OWNER = 'ana';
/** Of each kind. */
const SERVERS = 100;

/** GetServer of a server that only its owner sees, against one that everybody sees. */
export const getPrivateServer: Bench = {
  name: 'get-private-server',
  about:
    'GetServer by name in a warm view of a user who owns 100 servers and sees 100 shared ones: ' +
    "one of the user's own servers against a shared one, on the same control plane. 4 " +
    'connections with 16 calls in flight each.',
  rows: [
    {
      name: 'GetServer of a private server',
      figure: 'cpu',
      unit: 'µs server CPU per call',
      against: 'shared',
      baseline: 'the same of a shared one',
      ratio: 'ours / baseline',
      mark: { of: 'ratio', direction: 'at most', bound: 1.1 },
      beside: [{ figure: 'rate', label: 'calls', unit: '/s' }],
    },
  ],
  async open(lab) {
    const server = startWorker<ControlPlane>(
      lab,
      new URL('../roles/control-plane.js', import.meta.url),
    );
    const load = startWorker<UnaryLoad>(lab, new URL('../roles/unary-load.js', import.meta.url));
    const address = await server.call('start', await lab.folder());
    const tier = Tier.TIER_USER;
    await declareServers(address, { shared: SERVERS, tier, own: SERVERS, owner: OWNER });
    const arm = (name: string): Arm => {
      const message = GetServerRequest.fromPartial({ view: userView(OWNER), key: byName(name) });
      const request = Buffer.from(GetServerRequest.encode(message).finish());
      return unaryArm(lab, { server, load, address, path: PATH, request });
    };
    return { ours: arm('own-50'), shared: arm('shared-50') };
  },
};
