import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AttackResult } from '../hostile/run-attacks.js';
import { testFolder } from '../support/control-plane/control-plane.js';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** The fastest attack of each kind. */
const NAMES = [
  'update mask beside 2,000 labels',
  'apply of empty servers',
  'forged credentials',
  'a token of another tenant',
  'rapid reset',
  'redirects of calls to another origin',
  'an output schema that backtracks',
  'a process that closes its output',
];

describe('npm run hostile', () => {
  it('finds that attackers get no more than they should, and leaves nothing behind', async () => {
    const dir = await testFolder();
    const json = path.join(await testFolder(), 'results.json');
    const only = `^(${NAMES.join('|')})$`;
    const args = ['scripts/hostile.mjs', '--only', only, '--json', json, '--dir', dir];
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (more: string) => (text += more));
    await once(child, 'close');
    // Neither its exit code nor what it measures: both depend on what else the machine does.
    const results = JSON.parse(await readFile(json, 'utf8')) as AttackResult[];
    expect(results.map(({ name }) => name).toSorted(), text).toEqual(NAMES.toSorted());
    for (const { name, outcome, held, calls } of results) {
      expect(held, `${name}: ${outcome}`).toBe(true);
      expect(calls, name).toBeGreaterThan(0);
    }
    expect(await readdir(dir)).toEqual([]);
  });
});
