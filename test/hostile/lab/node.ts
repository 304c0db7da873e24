import type { Transport } from '../../../src/domain/config/spec.js';
import type { Lab } from '../../bench/lab/lab.js';
import { startWorker } from '../../bench/lab/worker.js';
import { startOddServer, type OddBehaviour } from '../../support/mcp/odd-http.js';
import { freePort, startEverything } from '../../support/mcp/everything.js';
import { httpServer } from '../../support/mcp/specs.js';
import type { Scene } from '../attack.js';
import type { NodeRole, Use } from '../roles/node.js';

/** How a server attacks: what it does, and to what the node uses it. */
export interface HostileServer {
  readonly transport: Transport;
  readonly use: Use;
}

/** A node that uses a hostile server, and all the time a good one. */
export async function startNode(lab: Lab, { transport, use }: HostileServer): Promise<Scene> {
  const node = startWorker<NodeRole>(lab, new URL('../roles/node.js', import.meta.url));
  const port = await freePort();
  const everything = await startEverything('streamableHttp', port);
  lab.defer(() => void everything.kill('SIGKILL'));
  const good = httpServer(`http://127.0.0.1:${String(port)}/mcp`);
  await node.call('start', { hostile: transport, good });
  return {
    victim: { measured: () => node.call('measured') },
    others: { begin: () => node.call('begin'), end: () => node.call('end') },
    attack: () => node.call('use', use),
  };
}

/** A hostile server over streamable HTTP, gone with the lab. */
export async function hostileHttp(lab: Lab, behave: OddBehaviour): Promise<Transport> {
  const server = await startOddServer(behave);
  lab.defer(async () => server[Symbol.asyncDispose]());
  return httpServer(server.url);
}
