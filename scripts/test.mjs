// npm test: sets up what is missing, runs the tests (arguments go to vitest), and ends with one line
// that counts them. That line is the last one whatever happens.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ensureBuilt, ensureInstalled } from './lib/setup.mjs';
import { bin, main, run } from './lib/run.mjs';

// What could not even start counts as a failure, so that nothing reads like a success.
let counts = { passed: 0, failed: 1, skipped: 0 };

// A Ctrl-C reaches vitest by itself; this process stays to print the line.
process.on('SIGINT', () => {});

const scratch = await mkdtemp(path.join(os.tmpdir(), 'switchboard-test-'));
await main(async () => {
  await ensureInstalled();
  await ensureBuilt();
  const countsFile = path.join(scratch, 'counts.json');
  const reporters = ['--reporter=default', '--reporter=./scripts/lib/count-reporter.mjs'];
  const code = await run(bin('vitest'), ['run', ...reporters, ...process.argv.slice(2)], {
    env: { ...process.env, SWITCHBOARD_TEST_COUNTS: countsFile },
  });
  process.exitCode = code;
  const counted = await readFile(countsFile, 'utf8').catch(() => undefined);
  if (counted === undefined) throw new Error('the tests ended before they could be counted');
  counts = JSON.parse(counted);
});
await rm(scratch, { recursive: true, force: true });

const failed = counts.failed > 0 || counts.passed === 0;
if (failed && !process.exitCode) process.exitCode = 1;
process.stdout.write(
  `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`,
);
