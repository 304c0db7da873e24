// npm run bench: compiles what is in test/bench/ aside (dist/ holds no tests), then runs it in this process.
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureEtcd } from './lib/etcd.mjs';
import { ROOT, bin, main, mustRun, say } from './lib/run.mjs';
import { ensureInstalled } from './lib/setup.mjs';
import { withSetupLock } from './lib/setup-lock.mjs';

const OUT = path.join(ROOT, 'node_modules', '.cache', 'switchboard', 'bench');

await main(async () => {
  await ensureInstalled();
  await withSetupLock(compile);
  const { runBench } = await import(pathToFileURL(path.join(OUT, 'test/bench/main.js')).href);
  process.exitCode = await runBench(process.argv.slice(2), { root: ROOT, ensureEtcd });
});

async function compile() {
  say('compiling the benches …');
  await mustRun(bin('tsc'), ['-p', 'tsconfig.bench.json'], { stdio: ['ignore', 2, 2] });
  await mkdir(path.join(OUT, 'generated'), { recursive: true });
  const descriptors = path.join('generated', 'switchboard.binpb');
  await copyFile(path.join(ROOT, descriptors), path.join(OUT, descriptors));
  // Under node_modules a file belongs to no package of ours otherwise.
  await writeFile(path.join(OUT, 'package.json'), '{"type":"module"}\n');
}
