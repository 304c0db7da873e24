import type { Random } from '../random.js';

/** A way to spoil a data file. */
export interface DataDamage {
  /** To repeat it, and for the title of a failure. */
  readonly what: string;
  /** Returns the spoiled file; leaves `file` as it is. */
  apply(file: Buffer): Buffer;
}

const PAGE_BYTES = 4_096;
const ROOT_PAGES_BYTES = 2 * PAGE_BYTES;
/** Of a root page: the number of the transaction that wrote it. */
const TRANSACTION = 152;

/** A random way to spoil a file of `length` bytes. */
export function damageOf(random: Random, length: number): DataDamage {
  const pages = Math.floor(length / PAGE_BYTES);
  const page = (): number => random.below(pages);
  const bit = (position: number): DataDamage => flip(position, random.below(8));
  return random.pick([
    () => bit(random.below(length)),
    () => bit(random.below(ROOT_PAGES_BYTES)),
    // Where what counts for LMDB is: the header of a page and its table of entries.
    () => bit(page() * PAGE_BYTES + random.below(64)),
    () => garbage(page() * PAGE_BYTES, PAGE_BYTES, random),
    () => garbage(random.below(length - 64), 1 + random.below(64), random),
    () => zeros(page()),
    () => copied(page(), page()),
    () => cutTo(page() * PAGE_BYTES),
    () => cutTo(1 + random.below(length - 1)),
  ])();
}

/** As if the last transaction had not been: the newer root page says that it is the older. */
export const LAST_TRANSACTION_UNDONE = spoil('the newer root page has a lower number', (file) => {
  const numbers = [TRANSACTION, PAGE_BYTES + TRANSACTION];
  const [at = 0] = numbers.sort((a, b) => file.readUInt32LE(b) - file.readUInt32LE(a));
  file.writeUInt32LE(file.readUInt32LE(at) - 2, at);
});

export function cutTo(length: number): DataDamage {
  return { what: `cut to ${String(length)}`, apply: (file) => file.subarray(0, length) };
}

export function garbage(at: number, length: number, random: Random): DataDamage {
  const bytes = Buffer.from(Array.from({ length }, () => random.below(256)));
  return spoil(`${String(length)} random bytes at ${String(at)}`, (file) => {
    bytes.copy(file, at);
  });
}

function flip(at: number, bit: number): DataDamage {
  return spoil(`bit ${String(bit)} of ${String(at)}`, (file) => {
    file.writeUInt8(file.readUInt8(at) ^ (1 << bit), at);
  });
}

function zeros(page: number): DataDamage {
  return spoil(`zeros on page ${String(page)}`, (file) => {
    file.fill(0, page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
  });
}

function copied(from: number, to: number): DataDamage {
  return spoil(`page ${String(from)} on page ${String(to)}`, (file) => {
    file.copy(file, to * PAGE_BYTES, from * PAGE_BYTES, (from + 1) * PAGE_BYTES);
  });
}

function spoil(what: string, change: (file: Buffer) => void): DataDamage {
  const apply = (file: Buffer): Buffer => {
    const spoiled = Buffer.from(file);
    change(spoiled);
    return spoiled;
  };
  return { what, apply };
}
