import { createHash } from 'node:crypto';

/** SHA-256 over length-prefixed parts, so that no two lists of parts collide by joining. */
export function digestBytes(...parts: readonly (string | Uint8Array)[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part;
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.byteLength);
    hash.update(length).update(bytes);
  }
  return hash.digest();
}

/** The first 128 bits of `digestBytes` as base64url: 22 characters. */
export function digestText(...parts: readonly (string | Uint8Array)[]): string {
  return digestBytes(...parts)
    .subarray(0, 16)
    .toString('base64url');
}

/** JSON with the keys of every object sorted: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner;
    return Object.fromEntries(
      Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
    );
  });
}
