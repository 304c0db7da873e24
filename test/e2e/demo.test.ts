import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { descendantsOf, isAlive } from '../support/control-plane/processes.js';
import { eventually } from '../support/eventually.js';

const DEMO = path.resolve(import.meta.dirname, '../../dist/examples/demo/main.js');

interface RunningDemo {
  readonly child: ChildProcess;
  readonly text: () => string;
  readonly exited: Promise<unknown[]>;
}

/** Runs it in a group of its own, as a terminal does. */
function runDemo(): RunningDemo {
  const child = spawn(process.execPath, [DEMO], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => (text += String(chunk)));
  return { child, text: () => text, exited: once(child, 'close') };
}

/** Waits until the demo is in the middle: nodes, MCP servers and the control plane run. */
async function untilCalls({ child, text }: RunningDemo): Promise<readonly number[]> {
  await eventually(() => expect(text()).toContain('Ben does not'));
  return descendantsOf(child.pid!);
}

async function expectGone(pids: readonly number[]): Promise<void> {
  await eventually(() => expect(pids.filter(isAlive)).toEqual([]));
}

describe('the demo', () => {
  it('sees everything that it claims, by its own counts [W2, W3, W7, C1, C2, C3, C6]', async () => {
    const demo = runDemo();
    const processes = await untilCalls(demo);
    expect(processes.length).toBeGreaterThanOrEqual(8);
    const [code] = await demo.exited;
    expect(demo.text()).not.toContain('NO ');
    expect(code).toBe(0);
    const counts = /│ node-[12]\D+(\d+)\D+(\d+)\D+(\d+)\D+(\d+)\D+(\d+)\D+(\d+) /g;
    expect([...demo.text().matchAll(counts)].map((match) => match.slice(1).map(Number))).toEqual([
      // opened, closed, calls, commits, snapshots, resumes
      [6, 3, 10, 12, 1, 1],
      [6, 3, 8, 12, 1, 1],
    ]);
    expect(demo.text()).toContain('All of it was so.');
    await expectGone(processes);
  });

  it('says what was not so, fails, and leaves nothing behind', async () => {
    const demo = runDemo();
    const processes = await untilCalls(demo);
    const node = processes.find((pid) => descendantsOf(pid).length > 0);
    process.kill(node!, 'SIGKILL');
    const [code] = await demo.exited;
    expect(code).toBe(1);
    expect(demo.text()).toMatch(/This was NOT so:\n {2}- .*the process has ended/);
    await expectGone(processes);
  });

  it('leaves nothing behind after Ctrl-C', async () => {
    const demo = runDemo();
    const processes = await untilCalls(demo);
    process.kill(-demo.child.pid!, 'SIGINT');
    expect(await demo.exited).toEqual([130, null]);
    await expectGone(processes);
  });
});
