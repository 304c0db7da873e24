import { Tier } from '../../../generated/switchboard/v1/server.js';
import type { Bench } from '../bench.js';
import { declareServers } from '../lab/declare.js';
import { startWorker } from '../lab/worker.js';
import type { ControlPlane } from '../roles/control-plane.js';
import type { McpServerRole } from '../roles/mcp-server.js';
import type { NodeRole } from '../roles/node.js';

/** `connections.get` of the client library when the connection is there, against `Map.get`. */
export const poolBorrow: Bench = {
  name: 'pool-borrow',
  about:
    'A node borrows connections of a user, by name with `await connections.get`, from a pool ' +
    'connected to 64 servers over streamable HTTP. The MCP server counts requests.',
  rows: [
    {
      name: 'borrowing a warm connection',
      figure: 'ns',
      unit: 'ns',
      against: 'map',
      baseline: 'Map lookup',
      ratio: 'ours / baseline',
      mark: { of: 'ratio', direction: 'at most', bound: 20 },
      beside: [{ figure: 'requests', label: 'MCP requests', unit: '' }],
    },
  ],
  async open(lab) {
    const server = startWorker<ControlPlane>(
      lab,
      new URL('../roles/control-plane.js', import.meta.url),
    );
    const mcp = startWorker<McpServerRole>(lab, new URL('../roles/mcp-server.js', import.meta.url));
    const node = startWorker<NodeRole>(lab, new URL('../roles/node.js', import.meta.url));
    const address = await server.call('start', await lab.folder());
    const url = await mcp.call('start');
    const { shared } = await declareServers(address, { shared: 64, tier: Tier.TIER_USER, url });
    await node.call('open', { address, user: 'ana', names: shared });
    await node.call('connect');
    const ms = lab.isQuick ? 20 : 500;
    const counted = async (run: () => Promise<number>) => {
      const before = await mcp.call('requests');
      const ns = await run();
      return { ns, requests: (await mcp.call('requests')) - before };
    };
    return {
      ours: () => counted(() => node.call('borrow', ms)),
      map: () => counted(() => node.call('lookUpInMap', ms)),
    };
  },
};
