// One set-up at a time: two installs or builds at once would pull node_modules from under each other.
// Runs without node_modules, so only Node's own modules here.
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT, say } from './run.mjs';

const FILE = path.join(ROOT, '.setup-lock');
const LOOK_AGAIN_MS = 200;

/** Runs `body` while this process holds the lock; says so if it has to wait for another one. */
export async function withSetupLock(body) {
  let waiting = false;
  while (!(await take())) {
    if (!waiting) say('waiting for another set-up of this folder …');
    waiting = true;
    await sleep(LOOK_AGAIN_MS);
  }
  try {
    return await body();
  } finally {
    await rm(FILE, { force: true });
  }
}

async function take() {
  try {
    await writeFile(FILE, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const holder = Number(await readFile(FILE, 'utf8').catch(() => ''));
  // Empty for the moment between making the file and writing it.
  if (holder > 0 && !isAlive(holder)) await rm(FILE, { force: true });
  return false;
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
