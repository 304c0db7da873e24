import { Damage, type DataFile } from './data-file.js';

/** Of a page of LMDB, in bytes: its own number, the transaction that wrote it, its kind. */
export const PAGE = Object.freeze({
  NUMBER: 0,
  TRANSACTION: 8,
  KIND: 18,
  /** Where free space begins and ends; of an overflow page, how many pages follow each other. */
  FREE_FROM: 20,
  FREE_TO: 22,
  OVERFLOW_PAGES: 20,
  HEADER_BYTES: 24,
});

/** The kinds of pages. */
export const KIND = Object.freeze({ BRANCH: 1, LEAF: 2, OVERFLOW: 4, ROOT: 8 });

/** Where a root page has what it holds, in bytes from the page's start. */
const ROOT = Object.freeze({
  MAGIC: 24,
  VERSION: 28,
  MAP_BYTES: 40,
  FREE_PAGES: 48,
  MAIN: 96,
  LAST_PAGE: 144,
  TRANSACTION: 152,
  END: 160,
});

const MAGIC = 0xbeefc0de;
const VERSION = 2;
const MIN_PAGE_BYTES = 256;
const MAX_PAGE_BYTES = 65_536;
/** More than any catalog, and less than what a process can map. */
const MAX_MAP_BYTES = 2 ** 44;
/** LMDB's root of a tree without entries: all bits set. */
const NO_PAGE = 0xffffffffffffffffn;

/** The flags of the trees that LMDB itself keeps: free pages have whole numbers as keys. */
const FREE_PAGES_FLAGS = 0x08;

/** What LMDB says of a tree. */
export interface TreeRecord {
  readonly flags: number;
  readonly depth: number;
  readonly branchPages: number;
  readonly leafPages: number;
  readonly overflowPages: number;
  readonly entries: number;
  /** Undefined for a tree without entries. */
  readonly root: number | undefined;
}

/** The state of the file that LMDB begins from. */
export interface Snapshot {
  readonly pageBytes: number;
  readonly lastPage: number;
  readonly transaction: number;
  readonly freePages: TreeRecord;
  /** Of the tables: name → tree. */
  readonly main: TreeRecord;
}

/**
 * Reads both root pages. Transactions write them in turn, and each puts its number into the root
 * page and into the page on which its list of tables begins. Were the numbers not compared, a
 * single changed bit could make LMDB begin from the state before the last transaction.
 */
export function readSnapshot(file: DataFile): Snapshot {
  const first = readRoot(file, 0);
  const pageBytes = first.readUInt32LE(ROOT.FREE_PAGES);
  const isPowerOfTwo = Number.isInteger(Math.log2(pageBytes));
  if (!isPowerOfTwo || pageBytes < MIN_PAGE_BYTES || pageBytes > MAX_PAGE_BYTES) {
    throw new Damage(`its pages have ${String(pageBytes)} bytes`);
  }
  const second = readRoot(file, pageBytes);
  const [even, odd] = [transactionOf(first), transactionOf(second)];
  const isNew = even === 0 && odd === 0;
  if (!isNew && (even % 2 !== 0 || odd % 2 !== 1 || Math.abs(even - odd) !== 1)) {
    throw new Damage(`its root pages are of the transactions ${String(even)} and ${String(odd)}`);
  }
  for (const root of [first, second]) expectOwnTables(file, root, pageBytes);
  return snapshotOf(even >= odd ? first : second, pageBytes);
}

/** The state before the last transaction is never overwritten either. */
function expectOwnTables(file: DataFile, root: Buffer, pageBytes: number): void {
  const transaction = transactionOf(root);
  const { root: number = 0 } = treeRecord(root, ROOT.MAIN);
  const page = Buffer.alloc(PAGE.HEADER_BYTES);
  const isRead = Number.isFinite(number) && file.readInto(page, number * pageBytes);
  const writer = number === 0 ? 0 : wholeNumber(page, PAGE.TRANSACTION);
  if (!isRead || writer !== transaction) {
    throw new Damage(
      `its root page of transaction ${String(transaction)} is not that transaction's`,
    );
  }
}

function transactionOf(root: Buffer): number {
  return wholeNumber(root, ROOT.TRANSACTION);
}

function snapshotOf(root: Buffer, pageBytes: number): Snapshot {
  const lastPage = wholeNumber(root, ROOT.LAST_PAGE);
  const mapBytes = wholeNumber(root, ROOT.MAP_BYTES);
  if (root.readUInt32LE(ROOT.FREE_PAGES) !== pageBytes) throw new Damage('its root pages differ');
  if (mapBytes > MAX_MAP_BYTES || (lastPage + 1) * pageBytes > mapBytes) {
    throw new Damage(`it has ${String(lastPage)} pages in ${String(mapBytes)} bytes`);
  }
  const freePages = treeRecord(root, ROOT.FREE_PAGES);
  const main = treeRecord(root, ROOT.MAIN);
  if (freePages.flags !== FREE_PAGES_FLAGS || main.flags !== 0) {
    throw new Damage('its root page has unknown flags');
  }
  return { pageBytes, lastPage, transaction: transactionOf(root), freePages, main };
}

function readRoot(file: DataFile, position: number): Buffer {
  const root = Buffer.alloc(ROOT.END);
  if (!file.readInto(root, position)) throw new Damage('it ends within its root pages');
  const isRoot =
    root.readUInt16LE(PAGE.KIND) === KIND.ROOT &&
    root.readUInt32LE(ROOT.MAGIC) === MAGIC &&
    root.readUInt32LE(ROOT.VERSION) === VERSION;
  if (!isRoot) throw new Damage('it does not begin with the root pages of LMDB');
  return root;
}

/** The record of a tree that lies at `at`, in 48 bytes. */
export function treeRecord(bytes: Buffer, at: number): TreeRecord {
  const root = bytes.readBigUInt64LE(at + 40);
  return {
    flags: bytes.readUInt16LE(at + 4),
    depth: bytes.readUInt16LE(at + 6),
    branchPages: wholeNumber(bytes, at + 8),
    leafPages: wholeNumber(bytes, at + 16),
    overflowPages: wholeNumber(bytes, at + 24),
    entries: wholeNumber(bytes, at + 32),
    root: root === NO_PAGE ? undefined : wholeNumber(bytes, at + 40),
  };
}

/** How long the record of a tree is. */
export const TREE_RECORD_BYTES = 48;

/** A number of 8 bytes; those that are too large for any page or count are taken as infinite. */
export function wholeNumber(bytes: Buffer, at: number): number {
  return bytes.readUInt16LE(at + 6) === 0 ? bytes.readUIntLE(at, 6) : Infinity;
}
