import { closeSync, openSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { tryLock } from 'fs-native-extensions';

/** Its content does not matter, and it stays in the folder: what counts is who has it locked. */
const LOCK_FILE = 'process.lock';

interface Holding {
  readonly file: number;
  users: number;
}

/** The folders that this process has open. LMDB itself opens a folder once per process. */
const holdings = new Map<string, Holding>();

export interface FolderLock {
  /** Whether nobody else in this process has the folder open. */
  readonly isFirst: boolean;
  readonly release: () => void;
}

/**
 * Keeps other processes away from the folder until it is released or this process
 * ends, by whatever death: the operating system takes the lock back. Throws if another
 * process has the folder open.
 *
 * LMDB as bound by lmdb 3.5 would let several processes in, and then lose a commit now and then:
 * a process that opens the environment sets the shared number of the last transaction to what it
 * read a moment before, and the next writer begins from there (OpenLDAP ITS#9496).
 */
export function lockFolder(folder: string): FolderLock {
  const path = realpathSync(folder);
  const holding = holdings.get(path) ?? takeLock(path);
  holdings.set(path, holding);
  holding.users += 1;
  const release = (): void => {
    holding.users -= 1;
    if (holding.users > 0) return;
    holdings.delete(path);
    closeSync(holding.file);
  };
  return { isFirst: holding.users === 1, release };
}

function takeLock(path: string): Holding {
  const file = openSync(join(path, LOCK_FILE), 'a', 0o600);
  let isLocked = false;
  try {
    isLocked = tryLock(file);
  } finally {
    if (!isLocked) closeSync(file);
  }
  if (!isLocked) {
    throw new Error('another process has it open; stop that process, or choose another folder');
  }
  return { file, users: 0 };
}
