import { createServer, type SwitchboardServer } from '../../../src/server/create-server.js';
import { createLog } from '../../../src/server/log.js';
import { resolveServeOptions, type ServeFlags } from '../../../src/server/options.js';

/**
 * What is not left at its default: nothing may be committed or sent that the bench did not
 * ask for, so servers are not inspected, and an hour passes before the first heartbeat.
 */
const FLAGS = { listen: '127.0.0.1:0', inspect: 'false', heartbeatInterval: '1h' } as const;

/** A whole control plane in this process, as `switchboard serve` runs it; `more` are flags of it. */
export function openControlPlane(
  dataDir: string,
  more: ServeFlags = {},
): Promise<SwitchboardServer> {
  const options = resolveServeOptions({ ...FLAGS, ...more, dataDir }, {});
  return createServer(options, { log: createLog('error') });
}
