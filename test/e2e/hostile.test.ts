import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AttackResult } from '../hostile/run-attacks.js';
import { testFolder } from '../support/control-plane/control-plane.js';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** What the attacker got, for each of the attacks that are run here. */
const OUTCOMES: Readonly<Record<string, RegExp>> = {
  'update mask beside 2,000 labels': /^PERMISSION_DENIED$/,
  'apply of empty servers': /^REQUEST_TOO_LARGE$/,
  '150 requests that never end': / of 150 ended$/,
  'a gzip bomb': /^LIMIT_EXCEEDED/,
  'an output schema that backtracks': /^CALL_REFUSED/,
};

describe('npm run hostile', () => {
  it('finds that attackers are refused and take no memory, and leaves nothing behind', async () => {
    const dir = await testFolder();
    const json = path.join(await testFolder(), 'results.json');
    const only = `^(${Object.keys(OUTCOMES).join('|')})$`;
    const args = ['scripts/hostile.mjs', '--only', only, '--json', json, '--dir', dir];
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (more: string) => (text += more));
    await once(child, 'close');
    // Neither its exit code nor the failures of others: both depend on the time that it took.
    const results = JSON.parse(await readFile(json, 'utf8')) as AttackResult[];
    expect(results.map(({ name }) => name).toSorted(), text).toEqual(
      Object.keys(OUTCOMES).toSorted(),
    );
    for (const { name, outcome, growthMiB, maxGrowthMiB, calls } of results) {
      expect(outcome, name).toMatch(OUTCOMES[name] ?? /^never$/);
      expect(growthMiB, name).toBeLessThan(maxGrowthMiB);
      expect(calls, name).toBeGreaterThan(0);
    }
    expect(await readdir(dir)).toEqual([]);
  });
});
