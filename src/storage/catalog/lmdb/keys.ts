import { digestText } from '../../../domain/digest.js';

/**
 * Keys are built by hand rather than by lmdb's own encoder, which is not injective for
 * long texts with control characters and refuses keys of more than 1978 bytes. A text
 * part is its UTF-8 followed by 0x00, a number 8 bytes. Texts that are too long, or hold
 * a NUL, are cut and end in 0xFE (never in UTF-8) and a digest, so that no key is
 * refused and none collides. Order is that of the UTF-8 bytes.
 */
export type KeyPart = string | number;

/** Bytes of a text part that stay as they are: three fit in a key beside the rest. */
const MAX_TEXT_BYTES = 600;
const END_OF_TEXT = Buffer.from([0x00]);
const CUT = Buffer.from([0xfe]);
const AFTER_ALL_PARTS = Buffer.from([0xff]);
const AFTER_KEY = Buffer.from([0x01]);

/** The key of these parts. Numbers are cut to whole ones, of at least 0. */
export function keyOf(...parts: readonly KeyPart[]): Buffer {
  return Buffer.concat(parts.flatMap(partBytes));
}

/** The range of all keys that begin with these parts. */
export function keysUnder(...parts: readonly KeyPart[]): { start: Buffer; end: Buffer } {
  const start = keyOf(...parts);
  return { start, end: Buffer.concat([start, AFTER_ALL_PARTS]) };
}

/** The smallest key after `key`, which ends in a text part. */
export function justAfter(key: Buffer): Buffer {
  return Buffer.concat([key, AFTER_KEY]);
}

function partBytes(part: KeyPart): Buffer[] {
  if (typeof part === 'number') {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(BigInt(Math.max(0, Math.trunc(part))));
    return [bytes];
  }
  const bytes = Buffer.from(part);
  const nul = bytes.indexOf(0);
  if (nul < 0 && bytes.byteLength <= MAX_TEXT_BYTES) return [bytes, END_OF_TEXT];
  const kept = bytes.subarray(0, Math.min(nul < 0 ? MAX_TEXT_BYTES : nul, MAX_TEXT_BYTES));
  return [kept, CUT, Buffer.from(digestText('key', part)), END_OF_TEXT];
}
