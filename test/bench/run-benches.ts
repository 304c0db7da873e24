import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Bench } from './bench.js';
import { openLab } from './lab/lab.js';
import type { Progress } from './report/progress.js';
import { type RowResult, toRow } from './result.js';
import { runPairs } from './run-pairs.js';

/** What all benches of a run have in common. */
export interface RunOptions {
  readonly pairs: number;
  readonly quick: boolean;
  readonly dir: string;
  readonly profile?: string;
  readonly signal: AbortSignal;
  readonly etcd: () => Promise<string | undefined>;
  readonly progress: Progress;
}

/** A bench that could not be run. */
export interface Failure {
  readonly name: string;
  readonly error: string;
}

/** Runs one bench after the other; one that fails does not stop those after it. */
export async function runBenches(
  benches: readonly Bench[],
  options: RunOptions,
): Promise<{ readonly rows: readonly RowResult[]; readonly failures: readonly Failure[] }> {
  const rows: RowResult[] = [];
  const failures: Failure[] = [];
  for (const bench of benches) {
    if (options.signal.aborted) break;
    try {
      rows.push(...(await runOne(bench, options)));
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      failures.push({ name: bench.name, error: text });
    }
  }
  options.progress.end();
  return { rows, failures };
}

async function runOne(bench: Bench, options: RunOptions): Promise<readonly RowResult[]> {
  const { progress } = options;
  progress.begin(bench.name);
  const lab = openLab({ ...options, isQuick: options.quick, progress: progress.say });
  try {
    const samples = await runPairs(bench, lab, options.pairs);
    return bench.rows.map((row) => toRow(row, samples));
  } finally {
    await lab.close();
  }
}

/** The program etcd, or why it cannot be had. */
export type EtcdSource = () => Promise<{ program: string } | { missing: string }>;

/** Looks for etcd when the first bench asks for it, and remembers what came of it. */
export function createEtcd(source: EtcdSource): {
  readonly program: () => Promise<string | undefined>;
  /** Version, or why there is none; undefined if nobody asked. */
  readonly described: () => string | undefined;
} {
  let looking: Promise<string | undefined> | undefined;
  let text: string | undefined;
  const look = async (): Promise<string | undefined> => {
    const found = await source();
    if ('missing' in found) {
      text = `not measured: ${found.missing}`;
      return undefined;
    }
    const { stdout } = await promisify(execFile)(found.program, ['--version']);
    text = /etcd Version: (\S+)/.exec(stdout)?.[1] ?? 'of unknown version';
    return found.program;
  };
  return { program: () => (looking ??= look()), described: () => text };
}
