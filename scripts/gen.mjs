// npm run gen: generated/ from proto/. With --check: says what differs and changes nothing.
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ROOT, bin, main, mustRun, say } from './lib/run.mjs';
import { differences, mirror } from './lib/tree.mjs';

// The same files as in buf.gen.yaml, and health. Reflection serves this set, and the error details
// in it let a generic client print the details of our errors.
const DESCRIPTOR_PATHS = [
  'proto/switchboard',
  'node_modules/google-proto-files/google/rpc/code.proto',
  'node_modules/google-proto-files/google/rpc/error_details.proto',
  'node_modules/google-proto-files/google/rpc/status.proto',
  'node_modules/grpc-health-check/proto/health/v1/health.proto',
];

async function generateInto(dir) {
  await mustRun(bin('buf'), ['generate', '--output', dir]);
  const paths = DESCRIPTOR_PATHS.flatMap((item) => ['--path', item]);
  const image = path.join(dir, 'generated', 'switchboard.binpb');
  await mustRun(bin('buf'), ['build', '.', '--as-file-descriptor-set', ...paths, '-o', image]);
}

await main(async () => {
  const scratch = await mkdtemp(path.join(os.tmpdir(), 'switchboard-gen-'));
  try {
    await generateInto(scratch);
    const [fresh, committed] = [path.join(scratch, 'generated'), path.join(ROOT, 'generated')];
    if (process.argv.includes('--check')) {
      const drift = await differences(fresh, committed);
      for (const { file, kind } of drift) say(`generated/${file} would ${kind}`);
      if (drift.length > 0) {
        say('generated/ does not fit proto/. Run `npm run gen` and commit the result.');
        process.exitCode = 1;
      }
    } else {
      for (const { file, kind } of await mirror(fresh, committed))
        say(`generated/${file}: ${kind}`);
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
});
