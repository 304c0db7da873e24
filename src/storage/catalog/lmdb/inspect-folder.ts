import { accessSync, closeSync, constants, mkdirSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Where LMDB's root pages have its mark and the page size, in bytes from the page's start. */
const MAGIC_AT = 24;
const PAGE_SIZE_AT = 48;
const MAGIC = 0xbeefc0de;
const ROOT_BYTES = 64;

/**
 * Makes the folder if need be and throws unless LMDB will be able to open what lies in
 * it. lmdb 3.5 does not throw when LMDB refuses a file: it takes the process down with a
 * segmentation fault. So whatever it would refuse is refused here.
 */
export function inspectFolder(folder: string): void {
  // Specs may hold what only the owner of the process should read.
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  for (const name of ['data.mdb', 'lock.mdb']) {
    const path = join(folder, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) continue;
    if (!stats.isFile()) throw new Error(`${path} is not a file`);
    accessSync(path, constants.R_OK | constants.W_OK);
    if (name === 'data.mdb' && stats.size > 0) expectRootPages(path);
  }
}

function expectRootPages(path: string): void {
  const file = openSync(path, 'r');
  try {
    const first = rootPage(file, 0);
    const second = first && rootPage(file, first.readUInt32LE(PAGE_SIZE_AT));
    if (second === undefined) throw new Error(`${path} was not written by LMDB, or is damaged`);
  } finally {
    closeSync(file);
  }
}

function rootPage(file: number, at: number): Buffer | undefined {
  const page = Buffer.alloc(ROOT_BYTES);
  const length = readSync(file, page, 0, ROOT_BYTES, at);
  const whole = length === ROOT_BYTES && page.readUInt32LE(MAGIC_AT) === MAGIC;
  return whole ? page : undefined;
}
