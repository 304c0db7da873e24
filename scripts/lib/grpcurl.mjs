// A real grpcurl for the tests that need one: from the PATH, or built by Go into a cache of this project.
import { execFile } from 'node:child_process';
import { access, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { ROOT, run, say } from './run.mjs';

const MODULE = 'github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3';
const CACHE = path.join(ROOT, 'node_modules', '.cache', 'switchboard', 'bin');
const EXECUTABLE = process.platform === 'win32' ? 'grpcurl.exe' : 'grpcurl';

const execute = promisify(execFile);

/**
 * The path of grpcurl. Building it takes about a minute, once.
 * @returns {Promise<string>}
 */
export async function ensureGrpcurl() {
  if (await runs('grpcurl', ['-version'])) return 'grpcurl';
  const cached = path.join(CACHE, EXECUTABLE);
  if (await exists(cached)) return cached;
  if (!(await runs('go', ['version']))) {
    throw new Error(
      'grpcurl is needed and neither grpcurl nor Go (which could build it) is on the PATH: install one of them',
    );
  }
  say(`building ${MODULE} with Go, once …`);
  await mkdir(CACHE, { recursive: true });
  const code = await run('go', ['install', MODULE], {
    env: { ...process.env, GOBIN: CACHE, GOFLAGS: '-buildvcs=false' },
    stdio: ['ignore', 2, 2],
  });
  if (code !== 0) throw new Error(`go install ${MODULE} failed: see its messages above`);
  return cached;
}

function runs(command, args) {
  return execute(command, args).then(
    () => true,
    () => false,
  );
}

function exists(file) {
  return access(file).then(
    () => true,
    () => false,
  );
}
