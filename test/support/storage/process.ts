import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { FailpointName } from '../../../src/domain/failpoint.js';

const APPENDER = fileURLToPath(new URL('appender.mjs', import.meta.url));

/** What the appender process acknowledged. */
export interface Acknowledged {
  readonly tenant: string;
  readonly revision: number;
  readonly fingerprint: string;
}

export interface AppenderOptions {
  readonly dataDir: string;
  readonly seed: number;
  readonly writers?: number;
  readonly killAt?: FailpointName;
  readonly killAfter?: number;
  readonly padding?: number;
  /** No file may grow beyond this many KiB, until the first append has failed by it. */
  readonly fileLimitKiB?: number;
}

/** A process that appends until it is killed, and what it printed so far. */
export interface AppenderProcess {
  readonly acknowledged: readonly Acknowledged[];
  /** Reason and text of what failed. */
  readonly failures: readonly string[];
  /** Resolves when at least `count` appends were acknowledged, or the process has ended. */
  readonly reached: (count: number) => Promise<void>;
  /** Kills it with SIGKILL, if it lives, and resolves when all that it printed was read. */
  kill(): Promise<void>;
  /** The signal that ended it, or its exit code; resolves when all that it printed was read. */
  readonly ended: Promise<string>;
}

export function startAppender(options: AppenderOptions): AppenderProcess {
  const acknowledged: Acknowledged[] = [];
  const failures: string[] = [];
  const waiting = new Set<() => void>();
  const child = spawnAppender(options);
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text));
  createInterface({ input: child.stdout! }).on('line', (line) => {
    const [kind, tenant, revision, fingerprint] = line.split(' ');
    if (kind === 'fail') failures.push(line.slice(5));
    else
      acknowledged.push({ tenant: tenant!, revision: Number(revision), fingerprint: fingerprint! });
    for (const wake of waiting) wake();
  });
  const ended = new Promise<string>((resolve) => {
    child.once('close', (code, signal) => resolve(signal ?? `${String(code)}: ${errors}`));
  });
  return {
    acknowledged,
    failures,
    ended,
    reached: async (count) => {
      const enough = new Promise<void>((resolve) => {
        const check = (): void => {
          if (acknowledged.length >= count) resolve();
        };
        waiting.add(check);
        check();
      });
      await Promise.race([enough, ended]);
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function spawnAppender({ dataDir, fileLimitKiB, ...rest }: AppenderOptions): ChildProcess {
  const parts = [
    APPENDER,
    dataDir,
    JSON.stringify({ ...rest, limited: fileLimitKiB !== undefined }),
  ];
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  if (fileLimitKiB === undefined) return spawn(process.execPath, parts, { stdio: [...stdio] });
  const script = `ulimit -S -f ${String(fileLimitKiB)}; exec "$@"`;
  return spawn('bash', ['-c', script, 'bash', process.execPath, ...parts], { stdio: [...stdio] });
}
