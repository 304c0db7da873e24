import { writeFile } from 'node:fs/promises';
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js';
import { createProgress } from '../bench/report/progress.js';
import { ATTACKS } from './attacks/index.js';
import { describeRun, renderDocs, saveResults } from './docs.js';
import { readOptions, type HostileOptions } from './options.js';
import { renderTable } from './report.js';
import { runAttacks } from './run-attacks.js';

/**
 * Runs the attacks that the arguments choose: the table goes to standard output, everything
 * else to standard error. Returns the exit code: 0 if all held, 1 if one did not or could not
 * be run, 130 after Ctrl-C. `root` is the folder of the project.
 */
export async function runHostile(argv: readonly string[], root: string): Promise<number> {
  const options = readOptions(argv);
  if (typeof options === 'number') return options;
  if (options.render) {
    await renderDocs(root);
    return 0;
  }
  // It writes to standard error by itself, and broken connections are what this is about.
  setLogVerbosity(logVerbosity.NONE);
  const interrupted = new AbortController();
  const onSignal = (): void => {
    if (interrupted.signal.aborted) process.exit(130);
    say('stopping; a second Ctrl-C ends it at once');
    interrupted.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    const code = await runAndReport(options, { root, signal: interrupted.signal });
    return interrupted.signal.aborted ? 130 : code;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

async function runAndReport(
  { only, json, dir, docs }: HostileOptions,
  { root, signal }: { readonly root: string; readonly signal: AbortSignal },
): Promise<number> {
  const chosen = ATTACKS.filter(
    ({ name, target }) => only === undefined || only.test(name) || only.test(target),
  );
  if (chosen.length === 0) {
    say(`no attack matches --only ${String(only)}; --help lists them`);
    return 1;
  }
  const run = describeRun();
  const progress = createProgress('attack', chosen.length);
  const { results, errors } = await runAttacks(chosen, {
    isQuick: false,
    signal,
    dir,
    progress: progress.say,
    etcd: () => Promise.resolve(undefined),
    begin: progress.begin,
  });
  progress.end();
  process.stdout.write(renderTable(results));
  if (json !== undefined) await writeFile(json, `${JSON.stringify(results, null, 2)}\n`);
  for (const { name, failures } of results)
    for (const failure of failures) say(`${name}: a call of others failed: ${failure}`);
  // What Ctrl-C ended is no failure.
  for (const { name, error } of signal.aborted ? [] : errors)
    say(`${name} could not be run to its end: ${error}`);
  if (docs && (errors.length > 0 || signal.aborted)) say('the docs stay as they are');
  else if (docs) {
    await saveResults(root, { run, results });
    await renderDocs(root);
  }
  if (signal.aborted) say('stopped: the attacks that were left are missing');
  return errors.length > 0 || results.some(({ met }) => !met) ? 1 : 0;
}

function say(text: string): void {
  process.stderr.write(`hostile: ${text}\n`);
}
