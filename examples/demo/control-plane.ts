import { spawn, type ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { killChild, printed, stopChild } from './child.js';

const require = createRequire(import.meta.url);

/** A control plane in a process of its own. */
export interface ControlPlane {
  /** Stays the same when it is started again. */
  readonly address: string;
  /** Ends the process with SIGKILL. */
  kill(): Promise<void>;
  /** Starts it anew on the same address and the same data. */
  startAgain(): Promise<void>;
  stop(): Promise<void>;
}

/** Runs `switchboard serve` on a free port. */
export async function startControlPlane(dataDir: string): Promise<ControlPlane> {
  let child = serve(dataDir, '127.0.0.1:0');
  const address = await printed(child, /listens on (\S+)/);
  return {
    address,
    kill: () => killChild(child),
    async startAgain() {
      child = serve(dataDir, address);
      await printed(child, /listens on (\S+)/);
    },
    stop: () => stopChild(child),
  };
}

function serve(dataDir: string, listen: string): ChildProcess {
  // The file that the command `switchboard` runs.
  const command = require.resolve('switchboard/package.json').replace(/package\.json$/, CLI);
  const args = ['serve', '--listen', listen, '--data-dir', dataDir, '--log-level', 'error'];
  return spawn(process.execPath, [command, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}

const CLI = (require('switchboard/package.json') as { bin: { switchboard: string } }).bin
  .switchboard;
