import { writeFile } from 'node:fs/promises';
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import { renderDocs, saveResults } from './report/docs.js';
import { describeRun } from './report/machine.js';
import { createProgress, say } from './report/progress.js';
import { renderTable } from './report/table.js';
import { readOptions, type BenchOptions } from './options.js';
import { BENCHES, select } from './rows/index.js';
import { createEtcd, runBenches, type EtcdSource } from './run-benches.js';

/** What the script brings along. */
export interface BenchSetup {
  /** The folder of the project. */
  readonly root: string;
  readonly ensureEtcd: EtcdSource;
}

/**
 * Runs the benches that the arguments choose: the table goes to standard output, everything
 * else to standard error. Answers the exit code: 0 also if a mark is missed, 1 if something
 * could not be run, 130 after Ctrl-C.
 */
export async function runBench(argv: readonly string[], setup: BenchSetup): Promise<number> {
  const options = readOptions(argv);
  if (typeof options === 'number') return options;
  if (options.render) {
    await renderDocs(setup.root);
    return 0;
  }
  // It writes to standard error by itself, and a stopped server is what we do all the time.
  setLogVerbosity(logVerbosity.NONE);
  const interrupted = new AbortController();
  const onSignal = (): void => {
    if (interrupted.signal.aborted) process.exit(130);
    say('stopping; a second Ctrl-C ends it at once');
    interrupted.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    const code = await runAndReport(options, setup, interrupted.signal);
    return interrupted.signal.aborted ? 130 : code;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

async function runAndReport(
  options: BenchOptions,
  { root, ensureEtcd }: BenchSetup,
  signal: AbortSignal,
): Promise<number> {
  const benches = select(BENCHES, options.only);
  if (benches.length === 0) {
    say(`no bench fits --only ${options.only ?? ''}; --help lists them`);
    return 1;
  }
  const etcd = createEtcd(ensureEtcd);
  const run = describeRun(options);
  const { rows, failures } = await runBenches(benches, {
    ...options,
    signal,
    etcd: etcd.program,
    progress: createProgress('bench', benches.length),
  });
  if (signal.aborted) return 130;
  process.stdout.write(renderTable(rows));
  if (options.json !== undefined) {
    await writeFile(options.json, `${JSON.stringify(rows, null, 2)}\n`);
  }
  for (const { name, error } of failures) say(`${name} failed: ${error}`);
  if (options.docs && failures.length > 0) say('the docs stay as they are');
  else if (options.docs) {
    await saveResults(root, { run: { ...run, etcd: etcd.described() }, rows });
    await renderDocs(root);
  }
  return failures.length > 0 ? 1 : 0;
}
