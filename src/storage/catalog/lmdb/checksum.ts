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

/** Whether these are the bytes of a value as it was stored under the key. */
export function isIntact(key: Uint8Array, stored: Buffer): boolean {
  const end = stored.length - LENGTH;
  return end >= 0 && stored.toString('latin1', end) === checksumOf(key, stored.subarray(0, end));
}

function checksumOf(key: Uint8Array, text: string | Uint8Array): string {
  return crc32(text, crc32(key)).toString(16).padStart(LENGTH, '0');
}
