import { crc32 } from 'node:zlib';

/** Every value ends in a checksum of this many characters: over its key and its text. */
const LENGTH = 8;

/** The text, or its bytes, as it is stored under the key. */
export function withChecksum<T extends string | Buffer>(key: Uint8Array, text: T): T;
export function withChecksum(key: Uint8Array, text: string | Buffer): string | Buffer {
  const checksum = checksumOf(key, text);
  return typeof text === 'string'
    ? text + checksum
    : Buffer.concat([text, Buffer.from(checksum, 'latin1')]);
}

/** The text of a stored value; undefined if that is not what was stored under the key. */
export function checkedText(key: Uint8Array, stored: string): string | undefined {
  const text = stored.slice(0, -LENGTH);
  return stored.endsWith(checksumOf(key, text)) ? text : undefined;
}

/** Whether these are the bytes of a key, followed by a value that was stored under it. */
export function isIntact(entry: Buffer): boolean {
  const end = entry.length - LENGTH;
  return end >= 0 && entry.toString('latin1', end) === toText(crc32(entry.subarray(0, end)));
}

function checksumOf(key: Uint8Array, text: string | Uint8Array): string {
  return toText(crc32(text, crc32(key)));
}

function toText(checksum: number): string {
  return checksum.toString(16).padStart(LENGTH, '0');
}
