import { execFileSync } from 'node:child_process';
import { serve } from '../../bench/lab/serve.js';
import { createServer, type SwitchboardServer } from '../../../src/server/create-server.js';
import { createLog } from '../../../src/server/log.js';
import { resolveServeOptions, type ServeFlags } from '../../../src/server/options.js';
import { takeMeasured, watchTurns } from '../lab/turn-monitor.js';

let server: SwitchboardServer | undefined;

const methods = {
  /** Limits how many files and sockets this process may have open. Linux only. */
  limitFiles(count: number): void {
    execFileSync('prlimit', [`--pid=${String(process.pid)}`, `--nofile=${String(count)}`]);
  },
  /** Serves as `switchboard serve` does, at a port that is free; returns the address. */
  async start(flags: ServeFlags): Promise<string> {
    const options = resolveServeOptions({ listen: '127.0.0.1:0', ...flags }, {});
    watchTurns();
    server = await createServer(options, { log: createLog('fatal') });
    return server.address;
  },
  /** Reads tokens and certificates again, as SIGHUP does. */
  reload(): void {
    server?.reload();
  },
  async stop(): Promise<void> {
    await server?.close();
  },
  measured: () => takeMeasured(),
};

/** A control plane that measures itself. */
export type ControlPlaneRole = typeof methods;

serve(methods);
