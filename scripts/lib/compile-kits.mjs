// Compiles test/bench/ and test/hostile/ aside, since dist/ holds no tests.
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT, bin, mustRun, say } from './run.mjs';
import { ensureInstalled } from './setup.mjs';
import { withSetupLock } from './setup-lock.mjs';

const OUT = path.join(ROOT, 'node_modules', '.cache', 'switchboard', 'kits');

/** Imports a module of test/ from the compiled output, which is brought up to date first. */
export async function importKit(file) {
  await ensureInstalled();
  await withSetupLock(compile);
  return import(pathToFileURL(path.join(OUT, file)).href);
}

async function compile() {
  say('compiling …');
  await mustRun(bin('tsc'), ['-p', 'tsconfig.kits.json'], { stdio: ['ignore', 2, 2] });
  await mkdir(path.join(OUT, 'generated'), { recursive: true });
  const descriptors = path.join('generated', 'switchboard.binpb');
  await copyFile(path.join(ROOT, descriptors), path.join(OUT, descriptors));
  // Under node_modules a file belongs to no package of ours otherwise.
  await writeFile(path.join(OUT, 'package.json'), '{"type":"module"}\n');
}
