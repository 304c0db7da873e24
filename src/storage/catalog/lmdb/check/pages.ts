import { Damage, type DataFile } from './data-file.js';
import { KIND, PAGE, type Snapshot, wholeNumber } from './root-pages.js';

/** The pages of a file, and which of them belong to a tree. */
export interface Pages {
  readonly snapshot: Snapshot;
  /** Fills `page` with a page of a tree. Throws unless it is of this kind, and in no tree yet. */
  readTreePage(page: Buffer, number: number, kind: number): void;
  /** The data on overflow pages: `bytes` from page `number` on, which is the first of `count`. */
  readOverflow(number: number, count: number, bytes: number): Buffer;
  isInTree(number: number): boolean;
}

export function pagesOf(file: DataFile, snapshot: Snapshot): Pages {
  const { lastPage, pageBytes, transaction } = snapshot;
  const count = Math.min(lastPage + 1, Math.ceil(file.size / pageBytes));
  const inTree = new Uint8Array(count);

  const take = (first: number, length: number): void => {
    const end = first + length;
    if (first < 2 || end > count) {
      throw new Damage(
        `page ${String(end - 1)} is in use, but the file has ${String(count)} pages`,
      );
    }
    for (let number = first; number < end; number += 1) {
      if (inTree[number] === 1) throw new Damage(`page ${String(number)} is in use twice`);
      inTree[number] = 1;
    }
  };
  const read = (target: Buffer, number: number, kind: number): void => {
    const isPage =
      file.readInto(target, number * pageBytes) &&
      wholeNumber(target, PAGE.NUMBER) === number &&
      wholeNumber(target, PAGE.TRANSACTION) <= transaction &&
      target.readUInt16LE(PAGE.KIND) === kind;
    if (!isPage) throw new Damage(`page ${String(number)} is not the one that its tree refers to`);
  };

  return {
    snapshot,
    readTreePage: (page, number, kind) => {
      take(number, 1);
      read(page, number, kind);
    },
    readOverflow: (number, length, bytes) => {
      take(number, length);
      const end = PAGE.HEADER_BYTES + bytes;
      if (end > length * pageBytes) throw new Damage(`page ${String(number)} is too short`);
      const pages = Buffer.allocUnsafe(end);
      read(pages, number, KIND.OVERFLOW);
      if (pages.readUInt32LE(PAGE.OVERFLOW_PAGES) !== length) {
        throw new Damage(`page ${String(number)} has the wrong length`);
      }
      return pages.subarray(PAGE.HEADER_BYTES);
    },
    isInTree: (number) => inTree[number] === 1,
  };
}
