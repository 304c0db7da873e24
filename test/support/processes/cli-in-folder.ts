import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { RunResult } from './grpcurl.js';

const CLI = path.resolve(import.meta.dirname, '../../../dist/src/cli/main.js');

/** A folder in which the `switchboard` command is run against one server. */
export interface CliFolder {
  readonly path: string;
  /** Writes a file below the folder. */
  write(file: string, text: string): Promise<void>;
  /** Runs the command to its end in the folder; `input` is its standard input. */
  run(args: readonly string[], input?: string): Promise<RunResult>;
  /** Runs it with `--json`, and reads what it prints. Rejects if it is not one JSON document. */
  json<T>(args: readonly string[], input?: string): Promise<T>;
}

/** The command in `folder`, with the server at `target`. */
export function cliFolder(folder: string, target: string): CliFolder {
  const run = (args: readonly string[], input = ''): Promise<RunResult> => {
    const child = spawn(process.execPath, [CLI, ...args], {
      cwd: folder,
      env: { ...process.env, SWITCHBOARD_TARGET: target, SWITCHBOARD_TENANT: '' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    // Commands that do not read their input end before it was written.
    child.stdin.on('error', () => undefined).end(input);
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        resolve({ code: code ?? -1, stdout, stderr });
      });
    });
  };
  return {
    path: folder,
    run,
    async write(file, text) {
      const whole = path.join(folder, file);
      await mkdir(path.dirname(whole), { recursive: true });
      await writeFile(whole, text);
    },
    async json<T>(args: readonly string[], input?: string): Promise<T> {
      const { stdout, stderr } = await run([...args, '--json'], input);
      try {
        return JSON.parse(stdout) as T;
      } catch (error) {
        throw new Error(`no JSON: ${stdout}${stderr}`, { cause: error });
      }
    },
  };
}
