import { once } from 'node:events';
import type { ChildProcess } from 'node:child_process';

/** Asks a process to end, and ends it if it has not done so in time. Twice is fine. */
export async function stopChild(child: ChildProcess, graceMs = 5_000): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await ended;
  clearTimeout(force);
}

/** Ends a process as a crash does: it can do nothing about it. */
export async function killChild(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** Waits until the process prints something that matches; answers the first group. */
export async function printed(child: ChildProcess, pattern: RegExp): Promise<string> {
  const { stdout } = child;
  if (stdout === null) throw new Error('nothing can be read of the process');
  let text = '';
  return new Promise((resolve, reject) => {
    // Reads on after the match: a full pipe would stop the process.
    stdout.on('data', (chunk) => {
      text += String(chunk);
      const match = pattern.exec(text);
      if (match !== null) resolve(match[1] ?? '');
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      reject(new Error(`a process ended with ${String(code ?? signal)} before it was ready`));
    });
  });
}

/** Whether the process is gone. */
export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
