import { Damage } from './data-file.js';
import type { Pages } from './pages.js';
import { wholeNumber } from './root-pages.js';
import { walkTree } from './walk-tree.js';

const NUMBER_BYTES = 8;

/**
 * Checks the lists of pages that LMDB may write to: transaction → how many numbers follow, then
 * those. A number is a page; 0 is an empty place; a negative one says how many pages follow each
 * other from the next number on. A page in use that was written to would be lost.
 */
export function checkFreePages(pages: Pages): void {
  const { freePages, transaction } = pages.snapshot;
  const lists: Buffer[] = [];
  walkTree(pages, freePages, {
    order: compareNumbers,
    visit: (key, value) => {
      const writer = key.length === NUMBER_BYTES ? wholeNumber(key, 0) : 0;
      if (writer < 1 || writer > transaction) throw new Damage('its list of free pages is broken');
      lists.push(Buffer.from(value));
    },
  });
  // Only now, as the pages of this tree are in use too.
  for (const list of lists) checkList(pages, list);
}

function checkList(pages: Pages, list: Buffer): void {
  const count = list.length < NUMBER_BYTES ? Infinity : wholeNumber(list, 0);
  if ((count + 1) * NUMBER_BYTES > list.length)
    throw new Damage('its list of free pages is broken');
  let length = 1;
  for (let at = 1; at <= count; at += 1) {
    const number = Number(list.readBigInt64LE(at * NUMBER_BYTES));
    if (number < 0) {
      length = -number;
      continue;
    }
    if (number > 0) expectFree(pages, number, length);
    length = 1;
  }
}

function expectFree(pages: Pages, first: number, length: number): void {
  const end = first + length;
  if (first < 2 || end > pages.snapshot.lastPage + 1) {
    throw new Damage(`page ${String(first)} is listed as free, and does not exist`);
  }
  for (let number = first; number < end; number += 1) {
    if (pages.isInTree(number)) throw new Damage(`page ${String(number)} is in use and free`);
  }
}

/** Numbers of the machine: the last byte counts most. */
function compareNumbers(a: Buffer, b: Buffer): number {
  return Buffer.from(a).reverse().compare(Buffer.from(b).reverse());
}
