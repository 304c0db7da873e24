import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { RunResult } from './grpcurl.js';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const SERVER = path.join(ROOT, 'dist/src/server/main.js');
const CLI = path.join(ROOT, 'dist/src/cli/main.js');

/** A program of ours that runs, from dist/. Disposing it kills it. */
export interface Running extends AsyncDisposable {
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves when it has ended, with its exit code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
  kill(signal: NodeJS.Signals): void;
}

/** A program of ours that serves. */
export interface ServerProcess extends Running {
  readonly address: string;
}

/** A folder that is removed at the end. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'switchboard-'));
  return {
    path: folder,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Starts the server on a free port, unless the arguments say another, and waits until it serves. */
export function startServerProcess(...args: readonly string[]): Promise<ServerProcess> {
  // Addresses that tests make up are not to be looked at, and every finding is a commit.
  return startListening(SERVER, ['--listen', '127.0.0.1:0', '--inspect=false', ...args]);
}

/** Starts a program of `dist/` that says where it listens, and waits until it does. */
export async function startListening(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<ServerProcess> {
  const running = start(path.resolve(ROOT, 'dist', program), args, env);
  return { ...running, address: await addressOf(running) };
}

/** Where a program listens, once it says so. */
function addressOf(running: Started): Promise<string> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const match = /listens on (\S+)/.exec(running.stdout());
      if (match?.[1] !== undefined) resolve(match[1]);
    };
    running.child.stdout?.on('data', look);
    void running.exited.then((code) => {
      reject(new Error(`the program ended with ${code}: ${running.stderr()}`));
    });
  });
}

/** Runs the server to its end: for starts that fail. */
export function runServerProcess(...args: readonly string[]): Promise<RunResult> {
  return toEnd(start(SERVER, args));
}

/** As `runServerProcess`, of a process whose files may have only so many KiB each. */
export function runServerWithin(fileKiB: number, ...args: readonly string[]): Promise<RunResult> {
  return toEnd(start(SERVER, args, {}, under(`-f ${String(fileKiB)}`)));
}

/** What starts a program under a limit of the shell's `ulimit`. */
function under(limit: string): readonly string[] {
  return ['bash', '-c', `ulimit ${limit}; exec "$@"`, 'bash'];
}

/** As `startServerProcess`, of a process that may open only so many files and sockets. */
export async function startServerWithin(
  openFiles: number,
  ...args: readonly string[]
): Promise<ServerProcess> {
  const usual = ['--listen', '127.0.0.1:0', '--inspect=false'];
  const running = start(SERVER, [...usual, ...args], {}, under(`-n ${String(openFiles)}`));
  return { ...running, address: await addressOf(running) };
}

/** Runs the `switchboard` command to its end, as a process that may open only so many files. */
export function runCliWithin(openFiles: number, args: readonly string[]): Promise<RunResult> {
  return toEnd(start(CLI, args, {}, under(`-n ${String(openFiles)}`)));
}

/** Runs the `switchboard` command to its end. */
export function runCli(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<RunResult> {
  return toEnd(start(CLI, args, env));
}

/** Starts the `switchboard` command. */
export function startCli(args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  return start(CLI, args, env);
}

type Started = Running & { readonly child: ChildProcess };

function start(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  within: readonly string[] = [],
): Started {
  const [command = '', ...rest] = [...within, process.execPath, program, ...args];
  const child = spawn(command, rest, {
    cwd: ROOT,
    env: { ...withoutOurs(process.env), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exited = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject);
    // Not `exit`: what it wrote last may still be on its way.
    child.once('close', (code, signal) => {
      resolve(code ?? signal ?? 0);
    });
  });
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    exited,
    kill: (signal) => void child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function toEnd(running: Running): Promise<RunResult> {
  const code = await running.exited;
  return {
    code: typeof code === 'number' ? code : -1,
    stdout: running.stdout(),
    stderr: running.stderr(),
  };
}

/** The environment of whoever runs the tests must not decide their outcome. */
function withoutOurs(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.startsWith('SWITCHBOARD_')),
  );
}
