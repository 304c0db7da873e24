import { digestText } from '../../../domain/digest.js';

/**
 * Keys are built by hand rather than by lmdb's own encoder, which is not injective for
 * long texts with control characters and refuses keys of more than 1978 bytes. A text
 * part is its UTF-8 followed by 0x00, a number 8 bytes. Texts that are too long, or hold
 * a NUL, are cut and end in 0xFE (never in UTF-8) and a digest, so that no key is
 * refused and none collides. Order is that of the UTF-8 bytes.
 */
export type KeyPart = string | number;

/** Bytes of a text part that stay as they are: three texts fit in a key beside the rest. */
const MAX_TEXT_BYTES = 600;
const END_OF_TEXT = 0x00;
const CUT = 0xfe;
const AFTER_ALL_PARTS = Buffer.from([0xff]);
const AFTER_KEY = Buffer.from([0x01]);

/** Keys are put together here and copied out: it is by far the cheapest way to make one. */
const scratch = Buffer.alloc(16 * 1024);

/** The key of these parts. Numbers are cut to whole ones, of at least 0. */
export function keyOf(...parts: readonly KeyPart[]): Buffer {
  let end = 0;
  for (const part of parts) {
    end = typeof part === 'number' ? putNumber(part, end) : putText(part, end);
  }
  return Buffer.from(scratch.subarray(0, end));
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

function putNumber(value: number, at: number): number {
  const whole = Math.max(0, Math.trunc(value));
  scratch.writeUInt32BE(Math.floor(whole / 2 ** 32), at);
  return scratch.writeUInt32BE(whole % 2 ** 32, at + 4);
}

function putText(text: string, at: number): number {
  const fits = text.length <= MAX_TEXT_BYTES && !text.includes('\0');
  const end = fits ? at + scratch.write(text, at) : at + MAX_TEXT_BYTES + 1;
  if (end > at + MAX_TEXT_BYTES) return putCutText(text, at);
  scratch[end] = END_OF_TEXT;
  return end + 1;
}

function putCutText(text: string, at: number): number {
  const bytes = Buffer.from(text);
  const nul = bytes.indexOf(0);
  const kept = bytes.subarray(0, Math.min(nul < 0 ? MAX_TEXT_BYTES : nul, MAX_TEXT_BYTES));
  let end = at + kept.copy(scratch, at);
  scratch[end] = CUT;
  end += 1 + scratch.write(digestText('key', text), end + 1);
  scratch[end] = END_OF_TEXT;
  return end + 1;
}
