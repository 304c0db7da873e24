import { Damage } from './data-file.js';
import type { Pages } from './pages.js';
import { KIND, PAGE, type TreeRecord, wholeNumber } from './root-pages.js';

/** Of an entry, in bytes from its start: the size of its value, or the page below; flags; key. */
const ENTRY = Object.freeze({ SIZE: 0, FLAGS: 4, KEY_SIZE: 6, KEY: 8 });

/** Flags of an entry: its value lies on overflow pages, or is the record of another tree. */
const ON_OVERFLOW_PAGES = 1;
export const IS_TREE = 2;

/** LMDB follows a tree no deeper. */
const MAX_DEPTH = 32;

export interface TreeVisitor {
  /** Below 0 if `a` comes first. Default: by their bytes. */
  readonly order?: (a: Buffer, b: Buffer) => number;
  /** Called for each entry, in order. The bytes are valid during the call only. */
  readonly visit: (key: Buffer, value: Buffer, flags: number) => void;
}

/** Where a page is in its tree: how deep, and between which keys, `to` excluded. */
interface Place {
  readonly depth: number;
  readonly from: Buffer | undefined;
  readonly to: Buffer | undefined;
}

/** An entry of a page, by offsets in the page. */
interface Entry {
  readonly key: Buffer;
  readonly start: number;
  readonly keyEnd: number;
}

interface Walk extends Required<TreeVisitor> {
  readonly pages: Pages;
  readonly record: TreeRecord;
  /** A page for each level: those above are still in use while one is read. */
  readonly levels: Buffer[];
  readonly counts: Counts;
}

type Counts = Record<'branchPages' | 'leafPages' | 'overflowPages' | 'entries', number>;

/**
 * Reads a whole tree, and throws unless LMDB can rely on it: each page is what the one above it
 * says, the keys ascend, and there is as much as the record of the tree says.
 */
export function walkTree(pages: Pages, record: TreeRecord, visitor: TreeVisitor): void {
  const { depth, root } = record;
  if (depth > MAX_DEPTH || (depth === 0) !== (root === undefined)) {
    throw new Damage(`a tree has depth ${String(depth)}`);
  }
  const counts: Counts = { branchPages: 0, leafPages: 0, overflowPages: 0, entries: 0 };
  const order = visitor.order ?? byBytes;
  const walk: Walk = { ...visitor, order, pages, record, levels: [], counts };
  if (root !== undefined) walkPage(walk, root, { depth: 1, from: undefined, to: undefined });
  for (const [what, count] of Object.entries(counts) as [keyof Counts, number][]) {
    if (count === record[what]) continue;
    throw new Damage(`a tree has ${String(count)} ${what} instead of ${String(record[what])}`);
  }
}

function walkPage(walk: Walk, number: number, place: Place): void {
  const { pages, record, counts } = walk;
  const { pageBytes } = pages.snapshot;
  const isLeaf = place.depth === record.depth;
  const page = (walk.levels[place.depth] ??= Buffer.allocUnsafeSlow(pageBytes));
  pages.readTreePage(page, number, isLeaf ? KIND.LEAF : KIND.BRANCH);
  const entries = readEntries(page);
  if (entries === undefined) throw new Damage(`page ${String(number)} has broken entries`);
  if (!isInOrder(walk, entries, place)) {
    throw new Damage(`page ${String(number)} has keys in the wrong order`);
  }
  if (isLeaf) {
    counts.leafPages += 1;
    for (const entry of entries) visitEntry(walk, page, entry);
    return;
  }
  counts.branchPages += 1;
  for (const [index, { start, key }] of entries.entries()) {
    walkPage(walk, page.readUIntLE(start + ENTRY.SIZE, 6), {
      depth: place.depth + 1,
      from: index === 0 ? place.from : key,
      to: entries[index + 1]?.key ?? place.to,
    });
  }
}

function byBytes(a: Buffer, b: Buffer): number {
  return a.compare(b);
}

/** Undefined if they do not lie within the page, or there are none. */
function readEntries(page: Buffer): readonly Entry[] | undefined {
  const tableEnd = PAGE.HEADER_BYTES + page.readUInt16LE(PAGE.FREE_FROM);
  const firstByte = PAGE.HEADER_BYTES + page.readUInt16LE(PAGE.FREE_TO);
  if (tableEnd > firstByte || firstByte > page.length) return undefined;
  const entries: Entry[] = [];
  for (let at = PAGE.HEADER_BYTES; at + 1 < tableEnd; at += 2) {
    const start = PAGE.HEADER_BYTES + page.readUInt16LE(at);
    const keyStart = start + ENTRY.KEY;
    if (start < firstByte || keyStart > page.length) return undefined;
    const keyEnd = keyStart + page.readUInt16LE(start + ENTRY.KEY_SIZE);
    if (keyEnd > page.length) return undefined;
    entries.push({ key: page.subarray(keyStart, keyEnd), start, keyEnd });
  }
  return entries.length > 0 ? entries : undefined;
}

/** The first key of a branch does not count: what is below comes before all others. */
function isInOrder({ order, record }: Walk, entries: readonly Entry[], place: Place): boolean {
  let before = place.from;
  const first = place.depth === record.depth ? 0 : 1;
  for (let index = first; index < entries.length; index += 1) {
    const { key } = entries[index] as Entry;
    const compared = before === undefined ? -1 : order(before, key);
    // The first key of a page may be the one by which the page is found.
    if (compared > 0 || (compared === 0 && index > first)) return false;
    before = key;
  }
  return before === undefined || place.to === undefined || order(before, place.to) < 0;
}

function visitEntry(walk: Walk, page: Buffer, { key, start, keyEnd }: Entry): void {
  const { pages, counts, visit } = walk;
  const size = page.readUInt32LE(start + ENTRY.SIZE);
  const flags = page.readUInt16LE(start + ENTRY.FLAGS);
  counts.entries += 1;
  if (flags === ON_OVERFLOW_PAGES && keyEnd + 24 <= page.length) {
    const first = wholeNumber(page, keyEnd);
    const count = wholeNumber(page, keyEnd + 16);
    counts.overflowPages += count;
    visit(key, pages.readOverflow(first, count, size), 0);
    return;
  }
  const end = keyEnd + size;
  if ((flags !== 0 && flags !== IS_TREE) || end > page.length)
    throw new Damage('an entry is broken');
  visit(key, page.subarray(keyEnd, end), flags);
}
