import type { Transport } from '../../../src/domain/config/spec.js';
import type { Lab } from '../../bench/lab/lab.js';
import { startWorker, type Worker } from '../../bench/lab/worker.js';
import {
  answer,
  startOddServer,
  tools,
  type OddBehaviour,
  type OddServer,
} from '../../support/mcp/odd-http.js';
import { freePort, startEverything } from '../../support/mcp/everything.js';
import { httpServer } from '../../support/mcp/specs.js';
import type { Scene } from '../attack.js';
import type { NodeRole, Use } from '../roles/node.js';

/** A node in a process of its own. */
export type AttackedNode = Worker<NodeRole>;

/** How a server attacks. */
export interface HostileServer {
  readonly transport: Transport;
  /** To what the node uses it; the outcome is what came of it. */
  readonly use?: Use;
  /** The attack, if it is more than one use. */
  readonly attack?: (node: AttackedNode) => Promise<string>;
}

/** A node that uses a hostile server, and all the time a good one. */
export async function startNode(
  lab: Lab,
  { transport, use = 'call a tool', attack = (node) => node.call('use', use) }: HostileServer,
): Promise<Scene> {
  const node = startWorker<NodeRole>(lab, new URL('../roles/node.js', import.meta.url));
  const port = await freePort();
  const everything = await startEverything('streamableHttp', port);
  lab.defer(() => void everything.kill('SIGKILL'));
  const good = httpServer(`http://127.0.0.1:${String(port)}/mcp`);
  await node.call('start', { hostile: transport, good });
  return {
    victim: { measured: () => node.call('measured') },
    others: { begin: () => node.call('begin'), end: () => node.call('end') },
    attack: () => attack(node),
  };
}

/**
 * A server over HTTP that does it wrong, gone with the lab. It has one tool, unless `behave`
 * says otherwise.
 */
export async function openOdd(lab: Lab, behave: OddBehaviour): Promise<OddServer> {
  const server = await startOddServer(
    async (exchange) =>
      (await behave(exchange)) ||
      (exchange.rpc?.method === 'tools/list' && answer(exchange, { tools: tools(1) })),
  );
  lab.defer(async () => server[Symbol.asyncDispose]());
  return server;
}

/** The same, as a transport. */
export async function hostileHttp(lab: Lab, behave: OddBehaviour): Promise<Transport> {
  return httpServer((await openOdd(lab, behave)).url);
}
