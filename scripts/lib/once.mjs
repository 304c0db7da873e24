// What must be installed or built once before a test can run: by which command, and whether it was done.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Runs `make` unless the stamp says that it was done from these files (and `more`). */
export async function once(stamp, files, more, make) {
  const hash = createHash('sha256').update(more);
  for (const file of files) hash.update(await readFile(file));
  const wanted = hash.digest('hex');
  if ((await readFile(stamp, 'utf8').catch(() => '')) === wanted) return;
  await make();
  await mkdir(path.dirname(stamp), { recursive: true });
  await writeFile(stamp, wanted);
}

/** The first of these commands that runs with these arguments, and what it printed; or why none does. */
export async function firstWorking(commands, args) {
  const reasons = [];
  for (const command of commands) {
    try {
      const { stdout } = await execute(command, args);
      return { command, version: stdout };
    } catch (error) {
      reasons.push(reasonOf(command, error));
    }
  }
  return { why: reasons.join('; ') };
}

function reasonOf(command, error) {
  if (error.code === 'ENOENT') return `there is no ${command} on the PATH`;
  const last = String(error.stderr).trim().split('\n').at(-1);
  return last || error.message;
}
