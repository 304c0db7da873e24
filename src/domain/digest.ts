import { hash } from 'node:crypto';

/** SHA-256 over length-prefixed parts, so that no two lists of parts collide by joining. */
export function digestBytes(...parts: readonly (string | Uint8Array)[]): Buffer {
  let size = 0;
  for (const part of parts) size += LENGTH_BYTES + Buffer.byteLength(part);
  // In one piece: the parts are short, and each turn to the native side costs more than the copy.
  const joined = Buffer.allocUnsafe(size);
  let at = 0;
  for (const part of parts) {
    const start = at + LENGTH_BYTES;
    let length = part.length;
    if (typeof part === 'string') length = joined.write(part, start);
    else joined.set(part, start);
    joined.writeUInt32BE(length, at);
    at = start + length;
  }
  return hash('sha256', joined, 'buffer');
}

const LENGTH_BYTES = 4;

/** The first 128 bits of `digestBytes` as base64url: 22 characters. */
export function digestText(...parts: readonly (string | Uint8Array)[]): string {
  return digestBytes(...parts)
    .subarray(0, 16)
    .toString('base64url');
}

/** JSON with the keys of every object sorted: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value));
}

/** A copy whose keys are in order. Faster than a replacer, which is called for every value. */
function sorted(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(sorted);
  const copy: Record<string, unknown> = {};
  const fields = value as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(fields).sort()) {
    // As a plain assignment this one would set the prototype.
    if (key === '__proto__') define(copy, key, sorted(fields[key]));
    else copy[key] = sorted(fields[key]);
  }
  return copy;
}

function define(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true });
}
