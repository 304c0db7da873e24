import { Tier } from '../../../generated/switchboard/v1/server.js';
import type { Bench } from '../bench.js';
import { declareServers } from '../lab/declare.js';
import { startWorker } from '../lab/worker.js';
import type { ControlPlane } from '../roles/control-plane.js';
import type { NodeRole } from '../roles/node.js';

/** `servers.get` of the client library, against `Map.get` of the same names. */
export const clientLookup: Bench = {
  name: 'client-lookup',
  about:
    'A node that follows a user looks up servers by name with `servers.get`: 1,000 shared and ' +
    '1,000 private ones, in turn. Includes the check that the view is synced.',
  rows: [
    {
      name: 'lookup in the client',
      figure: 'ns',
      unit: 'ns',
      against: 'map',
      baseline: 'Map lookup',
      ratio: 'ours / baseline',
      mark: { of: 'ratio', direction: 'at most', bound: 10 },
    },
  ],
  async open(lab) {
    const server = startWorker<ControlPlane>(
      lab,
      new URL('../roles/control-plane.js', import.meta.url),
    );
    const node = startWorker<NodeRole>(lab, new URL('../roles/node.js', import.meta.url));
    const address = await server.call('start', await lab.folder());
    const each = lab.isQuick ? 50 : 1_000;
    const population = { shared: each, tier: Tier.TIER_USER, own: each, owner: 'ana' };
    const { shared, own } = await declareServers(address, population);
    await node.call('open', {
      address,
      user: 'ana',
      names: shared.flatMap((name, index) => [name, own[index] ?? name]),
    });
    const ms = lab.isQuick ? 20 : 500;
    return {
      ours: async () => ({ ns: await node.call('lookUp', ms) }),
      map: async () => ({ ns: await node.call('lookUpInMap', ms) }),
    };
  },
};
