import { GetServerRequest } from '../../../generated/switchboard/v1/registry_service.js';
import { Tier } from '../../../generated/switchboard/v1/server.js';
import { byName, userView } from '../../support/grpc-admin/grpc-admin.js';
import type { Bench } from '../bench.js';
import { declareServers } from '../lab/declare.js';
import { unaryArm } from '../lab/unary-arm.js';
import { startWorker } from '../lab/worker.js';
import { GET_PATH, type BareGrpc } from '../roles/bare-grpc.js';
import type { ControlPlane } from '../roles/control-plane.js';
import type { UnaryLoad } from '../roles/unary-load.js';

const PATH = '/switchboard.v1.RegistryService/GetServer';

/** GetServer by name for a user, against a handler that answers the same bytes at once. */
export const getServer: Bench = {
  name: 'get-server',
  about:
    'GetServer by name in a warm view of a user, 4 connections with 16 calls in flight each. ' +
    'The bare handler gets the same request and returns the same bytes without inspecting them.',
  rows: [
    {
      name: 'GetServer over gRPC',
      figure: 'cpu',
      unit: 'µs server CPU per call',
      against: 'bare',
      baseline: 'bare grpc-js handler',
      ratio: 'baseline / ours',
      mark: { of: 'ratio', direction: 'at least', bound: 0.75 },
      beside: [{ figure: 'rate', label: 'calls', unit: '/s' }],
    },
  ],
  async open(lab) {
    const ours = startWorker<ControlPlane>(
      lab,
      new URL('../roles/control-plane.js', import.meta.url),
    );
    const bare = startWorker<BareGrpc>(lab, new URL('../roles/bare-grpc.js', import.meta.url));
    const load = startWorker<UnaryLoad>(lab, new URL('../roles/unary-load.js', import.meta.url));
    const address = await ours.call('start', await lab.folder());
    const bareAddress = await bare.call('start');
    await declareServers(address, { shared: 100, tier: Tier.TIER_USER });
    const request = Buffer.from(
      GetServerRequest.encode(
        GetServerRequest.fromPartial({ view: userView('ana'), key: byName('shared-50') }),
      ).finish(),
    );
    const answer = await load.call('once', { address, path: PATH, request });
    await bare.call('behave', { answer });
    return {
      ours: unaryArm(lab, { server: ours, load, address, path: PATH, request }),
      bare: unaryArm(lab, { server: bare, load, address: bareAddress, path: GET_PATH, request }),
    };
  },
};
