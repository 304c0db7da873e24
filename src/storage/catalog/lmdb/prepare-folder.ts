import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

/** More than LMDB takes of `lock.mdb`, and of `data.mdb` until all tables are made. */
const LOCK_BYTES = 16 * 1024;
const NEW_DATA_BYTES = 1024 * 1024;

/** Makes the folder if need be. Throws unless this process can use it and its files. */
export function prepareFolder(folder: string): void {
  // Specs may hold what only the owner of the process should read.
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  for (const name of ['data.mdb', 'lock.mdb']) {
    const path = join(folder, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) continue;
    if (!stats.isFile()) throw new Error(`${path} is not a file`);
    accessSync(path, constants.R_OK | constants.W_OK);
  }
}

/**
 * Makes sure that LMDB can open the folder, which no process has open. LMDB maps `lock.mdb`
 * into memory as it finds it, and without a disk block behind it the first access ends the
 * process; what is in it does not matter. A new `data.mdb` that LMDB cannot write to does the
 * same. Throws if the disk is too full.
 */
export function reserveRoom(folder: string, isNew: boolean): void {
  try {
    fill(join(folder, 'lock.mdb'), LOCK_BYTES);
    if (!isNew) return;
    const room = join(folder, 'room.tmp');
    try {
      fill(room, NEW_DATA_BYTES);
    } finally {
      rmSync(room, { force: true });
    }
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `there is no space for new files (${text}); ` +
        'free space on the disk, or raise the limit on the size of files, and start again',
      { cause },
    );
  }
}

/** Puts zeros at the beginning of the file, in place: blocks that it has stay its own. */
function fill(path: string, bytes: number): void {
  const file = openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o600);
  try {
    const zeros = Buffer.alloc(bytes);
    for (let at = 0; at < bytes;) at += writeSync(file, zeros, at, bytes - at, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
