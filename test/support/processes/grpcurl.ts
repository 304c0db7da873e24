import { execFile, spawn } from 'node:child_process';
import { access, constants, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);
const VERSION = 'v1.9.3';
const CACHE = path.resolve(
  import.meta.dirname,
  '../../../node_modules/.cache/switchboard/bin',
  process.platform === 'win32' ? 'grpcurl.exe' : 'grpcurl',
);

let binary: Promise<string> | undefined;

/**
 * The real grpcurl: GRPCURL, else the one on the PATH, else built once with Go into the cache
 * (one to two minutes). Rejects, with what to do, if none of them is possible.
 */
export function grpcurlBinary(): Promise<string> {
  binary ??= findGrpcurl();
  return binary;
}

async function findGrpcurl(): Promise<string> {
  if (process.env['GRPCURL']) return process.env['GRPCURL'];
  for (const candidate of [CACHE, 'grpcurl']) {
    // It prints its version on standard error and ends with 0.
    if (await run(candidate, ['-version']).then(Boolean, () => false)) return candidate;
  }
  await mkdir(path.dirname(CACHE), { recursive: true });
  try {
    await run('go', ['install', `github.com/fullstorydev/grpcurl/cmd/grpcurl@${VERSION}`], {
      cwd: path.dirname(CACHE),
      env: { ...process.env, GOBIN: path.dirname(CACHE), GOFLAGS: '' },
    });
    await access(CACHE, constants.X_OK);
  } catch (error) {
    throw new Error(
      `These tests need grpcurl: install it (https://github.com/fullstorydev/grpcurl), ` +
        `name it in GRPCURL, or install Go so that it can be built. ${String(error)}`,
      { cause: error },
    );
  }
  return CACHE;
}

/** What a run of a program gave. */
export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs grpcurl to its end; never rejects for its exit code. */
export async function grpcurl(...args: readonly string[]): Promise<RunResult> {
  const file = await grpcurlBinary();
  return new Promise((resolve, reject) => {
    execFile(file, args, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') {
        reject(new Error(`grpcurl ${args.join(' ')}: ${error.message}`, { cause: error }));
      } else {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
      }
    });
  });
}

/** A grpcurl that runs on, such as a watch. Disposing it ends the process. */
export interface RunningGrpcurl extends AsyncDisposable {
  /** The messages so far. It prints each as JSON over several lines. */
  readonly messages: readonly unknown[];
  /** Resolves when the process has ended, with its exit code. */
  readonly exited: Promise<number | null>;
  readonly stderr: () => string;
}

export async function startGrpcurl(...args: readonly string[]): Promise<RunningGrpcurl> {
  const child = spawn(await grpcurlBinary(), args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const messages: unknown[] = [];
  collectMessages(createInterface({ input: child.stdout }), messages);
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  return {
    messages,
    exited,
    stderr: () => stderr,
    async [Symbol.asyncDispose]() {
      child.kill();
      await exited;
    },
  };
}

function collectMessages(lines: Interface, messages: unknown[]): void {
  let pending = '';
  lines.on('line', (line) => {
    pending += `${line}\n`;
    if (line !== '}') return;
    messages.push(JSON.parse(pending));
    pending = '';
  });
}
