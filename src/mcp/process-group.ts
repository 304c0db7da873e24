import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import type { StdioTarget } from './connect-target.js';

/** How often to look whether a group is gone. */
const POLL_MS = 20;

/**
 * Starts the process of `target` as the leader of a process group of its own, so that
 * what it starts in turn (behind `sh` or `npx`) can be ended with it.
 */
export function spawnGroup(target: StdioTarget): ChildProcess {
  return spawn(target.command, target.args, {
    env: target.env,
    cwd: target.cwd,
    stdio: ['pipe', 'pipe', target.stderr],
    detached: true,
  });
}

/**
 * Ends the whole group of `child`: closes its input, waits `graceMs`, sends SIGTERM,
 * waits again, sends SIGKILL. Answers when the group is gone, or was sent SIGKILL.
 */
export async function endGroup(child: ChildProcess, graceMs: number): Promise<void> {
  if (child.pid === undefined) return;
  child.stdin?.end();
  await leaderExit(child, graceMs);
  if (!signalGroup(child.pid, 0)) return;
  signalGroup(child.pid, 'SIGTERM');
  if (await groupGone(child.pid, graceMs)) return;
  signalGroup(child.pid, 'SIGKILL');
  await leaderExit(child, graceMs);
}

/** Sends a signal to every process of a group. Answers whether there is any. */
export function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
}

async function groupGone(pid: number, withinMs: number): Promise<boolean> {
  for (let waited = 0; waited < withinMs; waited += POLL_MS) {
    if (!signalGroup(pid, 0)) return true;
    await delay(POLL_MS);
  }
  return !signalGroup(pid, 0);
}

/** Waits for the end of `child` itself, at most `withinMs`. */
export async function leaderExit(child: ChildProcess, withinMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, withinMs);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
