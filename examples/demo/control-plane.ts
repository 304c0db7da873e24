import { spawn, type ChildProcess } from 'node:child_process';
import { killChild, printed, stopChild } from './child.js';
import { COMMAND } from './command.js';

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
  const args = ['serve', '--listen', listen, '--data-dir', dataDir, '--log-level', 'error'];
  // It would look at new servers by itself, at moments of its own: here every commit is counted.
  args.push('--inspect=false', '--replica-id', 'control-plane');
  return spawn(process.execPath, [COMMAND, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}
