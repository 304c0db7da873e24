import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { declare, newTenant, openAdmin } from '../support/grpc-admin/grpc-admin.js';
import {
  runServerProcess,
  runServerWithin,
  startServerProcess,
  temporaryFolder,
} from '../support/processes/server-process.js';
import { printedSeed, randomFrom } from '../support/random.js';
import { cutTo, garbage, type DataDamage } from '../support/storage/data-damage.js';

const PAGE_BYTES = 4_096;

describe('a server whose data file is damaged', () => {
  it.each<[string, (length: number) => DataDamage]>([
    ['cut after its root pages', () => cutTo(2 * PAGE_BYTES)],
    ['cut in the middle', (length) => cutTo(Math.floor(length / 2))],
    ['overwritten with garbage', (length) => overwritten(length)],
  ])('refuses to start in one line: %s', async (_what, damageOf) => {
    await using data = await temporaryFolder();
    await writeServer(data.path);
    const file = path.join(data.path, 'catalog', 'data.mdb');
    const whole = await readFile(file);
    const damaged = damageOf(whole.length).apply(whole);
    await writeFile(file, damaged);
    const ended = await runServerProcess('--listen', '127.0.0.1:0', '--data-dir', data.path);
    expect(ended).toEqual({ code: 1, stdout: '', stderr: expect.any(String) as string });
    expect(ended.stderr).toMatch(/^switchboard: --data-dir .*data\.mdb is damaged: .*restore.*\n$/);
    expect(await readFile(file)).toEqual(damaged);
  });
});

describe('a server whose files cannot grow', () => {
  it.each([4, 8, 16, 512])('refuses to start in a new folder in one line: %i KiB', async (kib) => {
    await using data = await temporaryFolder();
    const args = ['--listen', '127.0.0.1:0', '--data-dir', data.path];
    const ended = await runServerWithin(kib, ...args);
    expect(ended).toEqual({ code: 1, stdout: '', stderr: expect.any(String) as string });
    expect(ended.stderr).toMatch(/^switchboard: --data-dir .*no space for new files .*\n$/);
    // What it leaves behind is in nobody's way.
    await writeServer(data.path);
  });
});

async function writeServer(dataDir: string): Promise<void> {
  await using server = await startServerProcess('--data-dir', dataDir);
  const admin = openAdmin(server.address);
  await declare(admin, newTenant(), { name: 'written' });
  admin.close();
  server.kill('SIGTERM');
  await server.exited;
}

/** All but the root pages: which of the others are in use is LMDB's choice. */
function overwritten(length: number): DataDamage {
  const start = 2 * PAGE_BYTES;
  return garbage(start, length - start, randomFrom(printedSeed('garbage')));
}
