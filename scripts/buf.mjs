// npm run buf: lint of our protos, and no change that breaks a client built from the baseline.
//
// The baseline, proto/baseline.binpb, is the contract as of the last release. It is committed and
// moves only with `npm run buf -- --accept`, which is part of making a release. Until the first
// one, a change that breaks the contract moves it too, and the CHANGELOG says so.
import { access } from 'node:fs/promises';
import path from 'node:path';
import { ROOT, bin, main, mustRun } from './lib/run.mjs';

const BASELINE = 'proto/baseline.binpb';

await main(async () => {
  const [, , ...args] = process.argv;
  if (args.includes('--accept')) {
    await mustRun(bin('buf'), ['build', 'proto', '--exclude-source-info', '-o', BASELINE]);
    return;
  }
  if (!args.includes('--breaking')) await mustRun(bin('buf'), ['lint']);
  if (args.includes('--lint')) return;
  await access(path.join(ROOT, BASELINE)).catch(() => {
    throw new Error(`${BASELINE} is missing: run \`npm run buf -- --accept\` and commit it`);
  });
  await mustRun(bin('buf'), ['breaking', 'proto', '--against', BASELINE]);
});
