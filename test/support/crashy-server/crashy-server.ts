import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FailpointName } from '../../../src/domain/failpoint.js';
import type { WatchLimits } from '../../../src/services/watch/watch-limits.js';

const SCRIPT = fileURLToPath(new URL('crashy-server.mjs', import.meta.url));

export interface CrashyOptions {
  readonly dataDir: string;
  /** Further flags of the server. */
  readonly flags?: readonly string[];
  readonly watchLimits?: Partial<WatchLimits>;
}

/** A server in a process of its own that can be made to die at a failpoint. */
export interface CrashyServer extends AsyncDisposable {
  readonly address: string;
  readonly pid: number;
  /** It will kill itself at the `after`-th time (from 1) that it passes the failpoint. */
  arm(name: FailpointName, after: number): void;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Whether it has ended. */
  readonly dead: boolean;
  /** How it ended: the signal, or the exit code and what it wrote on standard error. */
  readonly ended: Promise<string>;
}

/** A process that has everything imported and waits to be told what to serve. */
export interface Spare {
  start(options: CrashyOptions): Promise<CrashyServer>;
  discard(): Promise<void>;
}

/** Starts a process ahead of the time when it is needed: most of a start is imports. */
export function warmSpare(): Spare {
  const child = fork(SCRIPT, [], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const end = { dead: false };
  const ended = new Promise<string>((resolve) => {
    child.once('exit', () => (end.dead = true));
    child.once('close', (code, signal) => {
      resolve(signal ?? `exit code ${String(code)}: ${errors}`);
    });
  });
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  return {
    start: (options) => serve(child, options, { end, ended, kill }),
    discard: kill,
  };
}

/** A server without a spare kept ready for it. */
export function startCrashyServer(options: CrashyOptions): Promise<CrashyServer> {
  return warmSpare().start(options);
}

interface Spawned {
  readonly end: { readonly dead: boolean };
  readonly ended: Promise<string>;
  readonly kill: () => Promise<void>;
}

async function serve(
  child: ChildProcess,
  { dataDir, flags = [], watchLimits = {} }: CrashyOptions,
  { end, ended, kill }: Spawned,
): Promise<CrashyServer> {
  const argv = [
    ...['--data-dir', dataDir, '--listen', '127.0.0.1:0', '--log-level', 'warn'],
    // Addresses that tests make up are not to be looked at, and every finding is a commit.
    ...['--inspect=false', ...flags],
  ];
  const listening = once(child, 'message') as Promise<[{ readonly address: string }]>;
  child.send({ kind: 'start', argv, watchLimits });
  const early = ended.then((how) => {
    throw new Error(`the server ended before it listened: ${how}`);
  });
  const [{ address }] = await Promise.race([listening, early]);
  early.catch(() => undefined);
  return {
    address,
    pid: child.pid ?? 0,
    arm: (name, after) => void child.send({ kind: 'arm', name, after }),
    kill,
    get dead() {
      return end.dead;
    },
    ended,
    [Symbol.asyncDispose]: kill,
  };
}
