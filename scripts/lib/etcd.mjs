// A real etcd for the bench to compare with, built by Go into a cache of this project.
import { access, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { ROOT, run, say } from './run.mjs';

const SOURCE = path.join(ROOT, 'test', 'bench', 'etcd');
const CACHE = path.join(ROOT, 'node_modules', '.cache', 'switchboard', 'bin');
const PROGRAM = path.join(CACHE, process.platform === 'win32' ? 'etcd.exe' : 'etcd');

/**
 * The path of etcd in the version of `test/bench/etcd/go.mod`, or why it cannot be had here. Building
 * it takes about a minute, once.
 * @returns {Promise<{ program: string } | { missing: string }>}
 */
export async function ensureEtcd() {
  if (await exists(PROGRAM)) return { program: PROGRAM };
  say('building etcd with Go, once …');
  await mkdir(CACHE, { recursive: true });
  const code = await run('go', ['build', '-o', PROGRAM, '.'], {
    cwd: SOURCE,
    env: { ...process.env, GOFLAGS: '-buildvcs=false' },
    stdio: ['ignore', 2, 2],
  }).catch((error) => error);
  if (code === 0) return { program: PROGRAM };
  const why = code instanceof Error ? `go cannot be run (${code.message})` : 'go build failed';
  return { missing: why };
}

function exists(file) {
  return access(file).then(
    () => true,
    () => false,
  );
}
