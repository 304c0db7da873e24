import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RowResult } from '../bench/result.js';
import { testFolder } from '../support/control-plane/control-plane.js';
import { descendantsOf, isAlive } from '../support/control-plane/processes.js';
import { eventually } from '../support/eventually.js';

const ROOT = path.resolve(import.meta.dirname, '../..');

interface Run {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
}

/** `npm run bench -- …`; killed with the test. */
function bench(...args: readonly string[]): Run {
  const child = spawn(process.execPath, ['scripts/bench.mjs', ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => (texts[name] += text));
  }
  return { child, stdout: () => texts.stdout, stderr: () => texts.stderr };
}

async function exitCode({ child }: Run): Promise<number | null> {
  const [code] = (await once(child, 'close')) as [number | null];
  return code;
}

describe('npm run bench', () => {
  it('prints a table, writes its rows as JSON and leaves nothing behind', async () => {
    const folder = await testFolder();
    const json = path.join(await testFolder(), 'rows.json');
    const only = [
      'client-lookup',
      'get-',
      'durable-write 1 ',
      'private-load',
      'update-granted',
      'set-access',
    ];
    const run = bench('--quick', '--only', only.join('|'), '--json', json, '--dir', folder);
    expect(await exitCode(run), run.stderr()).toBe(0);
    const rows = JSON.parse(await readFile(json, 'utf8')) as RowResult[];
    expect(rows.map(({ name }) => name)).toEqual([
      'lookup in the client',
      'GetServer over gRPC',
      'GetServer of a private server',
      'durable write, 1 writer, bare',
      'durable write, 1 writer, log',
      'first list for a user, from a source',
      'update of a server granted to 10,000',
      'SetAccess, 10,000 of which half change',
    ]);
    for (const row of rows) {
      expect(row.unit).toMatch(/\S/);
      expect([row.value, row.baseline, row.ratio].every((figure) => Number(figure) > 0)).toBe(true);
      expect(row.mark === null || typeof row.mark.met === 'boolean').toBe(true);
    }
    const lines = run.stdout().trimEnd().split('\n');
    expect(lines).toHaveLength(1 + rows.length);
    expect(lines[0]).toMatch(/^WORK +UNIT +OURS +BASELINE/);
    expect(await readdir(folder)).toEqual([]);
  });

  it('stops on Ctrl-C, with all that it started and all that it wrote', async () => {
    const folder = await testFolder();
    const run = bench('--only', 'get-server', '--pairs', '100', '--dir', folder);
    const ended = exitCode(run);
    const started = await eventually(async () => {
      const all = descendantsOf(run.child.pid ?? 0);
      expect(all.length).toBeGreaterThanOrEqual(3);
      expect(await readdir(folder)).toHaveLength(1);
      return all;
    });
    run.child.kill('SIGINT');
    expect(await ended).toBe(130);
    await eventually(() => {
      expect(started.filter(isAlive)).toEqual([]);
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it('fails when nothing fits --only', async () => {
    const run = bench('--only', 'no such bench');
    expect(await exitCode(run)).toBe(1);
    expect(run.stderr()).toContain('no bench fits');
    expect(run.stdout()).toBe('');
  });
});
