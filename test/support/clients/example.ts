import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

/** A line that an example printed. */
export interface Observation {
  /** What it saw, such as `snapshot`, `commit` or `lost`. */
  readonly seen: string;
  /** The message that it saw, or made of what it saw, as proto JSON. */
  readonly message: Readonly<Record<string, unknown>>;
}

/** An example that runs. */
export interface ExampleProcess {
  /** All lines so far. */
  readonly lines: readonly Observation[];
  readonly stderr: () => string;
  /** Resolves with its exit code, or the signal that ended it, when all that it printed was read. */
  readonly exited: Promise<number | NodeJS.Signals>;
  readonly isOver: () => boolean;
  kill(signal: NodeJS.Signals): void;
}

/** Starts an example; it ends with the test. */
export function startExample(command: readonly string[]): ExampleProcess {
  const [file = '', ...args] = command;
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: Observation[] = [];
  let stderr = '';
  let isOver = false;
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(JSON.parse(line) as Observation);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exited = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      isOver = true;
      resolve(code ?? signal ?? 0);
    });
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  return {
    lines,
    stderr: () => stderr,
    exited,
    isOver: () => isOver,
    kill: (signal) => void child.kill(signal),
  };
}
