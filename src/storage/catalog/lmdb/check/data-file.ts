import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** The file of LMDB, read without LMDB: what is damaged there would end the process. */
export interface DataFile {
  /** In bytes. */
  readonly size: number;
  /** Fills `target` with what lies at `position`; false if the file ends before. */
  readInto(target: Buffer, position: number): boolean;
}

/** Opens the file for `body` only. */
export function withDataFile<T>(path: string, body: (file: DataFile) => T): T {
  const descriptor = openSync(path, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const readInto = (target: Buffer, position: number): boolean => {
      if (position + target.length > size) return false;
      let read = 1;
      for (let at = 0; at < target.length && read > 0; at += read) {
        read = readSync(descriptor, target, at, target.length - at, position + at);
      }
      return read > 0;
    };
    return body({ size, readInto });
  } finally {
    closeSync(descriptor);
  }
}

/** What is wrong with the file: it does not hold what was written. */
export class Damage extends Error {
  override readonly name = 'Damage';
}
