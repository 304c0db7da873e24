// Starting other programs, for every script here. Only Node's own modules: these run before the install.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** One line about what the scripts do for the user; on stderr, so that stdout stays the program's own. */
export function say(text) {
  process.stderr.write(`switchboard: ${text}\n`);
}

/** Path of an installed tool. `.bin` first on the PATH would do as well, but says less when it is missing. */
export function bin(name) {
  const suffix = process.platform === 'win32' ? '.cmd' : '';
  return path.join(ROOT, 'node_modules', '.bin', name + suffix);
}

/** Runs a command in the project's root with our own streams; answers its exit code (128 + n after a signal). */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      stdio: 'inherit',
      shell: process.platform === 'win32',
      ...options,
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)));
  });
}

/** As `run`, but a failure is an exception. */
export async function mustRun(command, args, options) {
  const code = await run(command, args, options);
  if (code !== 0) throw new Error(`${path.basename(command)} ${args.join(' ')} ended with ${code}`);
}

/** Runs a script's body; what goes wrong is said in one line instead of a stack, and in the exit code. */
export async function main(body) {
  try {
    await body();
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode ||= 1;
  }
}
