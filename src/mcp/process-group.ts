import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { StdioTarget } from './connect-target.js';
import { createProcessTree, MARK_NAME, type ProcessTree } from './process-tree.js';

/** How often to look whether a group is gone. */
const POLL_MS = 20;

/** How often SIGKILL is sent to what is found again and again. */
const KILL_ROUNDS = 10;

/** A process that was started, and what it started in turn. */
export interface ProcessGroup {
  readonly child: ChildProcess;
  /** Finds those that left the group, for a session of their own. */
  readonly tree: ProcessTree;
}

/**
 * Starts the process of `target` as the leader of a process group of its own, and marked, so
 * that what it starts in turn (behind `sh`, `npx` or `setsid`) can be ended with it.
 */
export function spawnGroup(target: StdioTarget): ProcessGroup {
  const mark = randomUUID();
  const child = spawn(target.command, target.args, {
    env: { ...target.env, [MARK_NAME]: mark },
    cwd: target.cwd,
    stdio: ['pipe', 'pipe', target.stderr],
    detached: true,
  });
  return { child, tree: createProcessTree(mark) };
}

/**
 * Ends the whole group of a process, and what left the group: closes its input, waits
 * `graceMs`, sends SIGTERM, waits again, sends SIGKILL until nothing is found any more.
 * Returns when all are gone, or were sent SIGKILL.
 */
export async function endGroup({ child, tree }: ProcessGroup, graceMs: number): Promise<void> {
  const { pid } = child;
  if (pid === undefined) return;
  // While parents still run their children are known by them.
  await tree.find();
  child.stdin?.end();
  await leaderExit(child, graceMs);
  if (await isGone(pid, tree)) return;
  signalAll(pid, tree.remaining(), 'SIGTERM');
  if (await goneWithin(graceMs, pid, tree)) return;
  for (let round = 0; round < KILL_ROUNDS; round += 1) {
    signalAll(pid, tree.remaining(), 'SIGKILL');
    await delay(POLL_MS);
    // One that starts others faster than it is killed.
    if (await isGone(pid, tree)) break;
  }
  await leaderExit(child, graceMs);
}

/** Sends SIGKILL to a group and what left it, and does not wait. */
export function killGroup({ child, tree }: ProcessGroup): void {
  if (child.pid !== undefined) signalAll(child.pid, tree.findNow(), 'SIGKILL');
}

function signalAll(group: number, others: readonly number[], signal: NodeJS.Signals): void {
  signalGroup(group, signal);
  for (const pid of others) sendSignal(pid, signal);
}

/** Sends a signal to every process of a group. Returns whether there is any. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  return sendSignal(-pid, signal);
}

function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

async function isGone(pid: number, tree: ProcessTree): Promise<boolean> {
  const found = await tree.find();
  return found.length === 0 && !signalGroup(pid, 0);
}

async function goneWithin(ms: number, pid: number, tree: ProcessTree): Promise<boolean> {
  for (let waited = 0; waited < ms; waited += POLL_MS) {
    if (!signalGroup(pid, 0) && tree.remaining().length === 0) break;
    await delay(POLL_MS);
  }
  return isGone(pid, tree);
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
