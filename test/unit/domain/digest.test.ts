import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, digestBytes, digestText } from '../../../src/domain/digest.js';

describe('digestText', () => {
  it('does not confuse lists of parts that join to the same text', () => {
    expect(digestText('ab', 'c')).not.toBe(digestText('a', 'bc'));
    expect(digestText('a', '')).not.toBe(digestText('a'));
    expect(digestText('a')).toMatch(/^[\w-]{22}$/);
  });

  it('is SHA-256 of the parts as UTF-8, each after its length: what was stored stays valid', () => {
    const part = fc.oneof(fc.string({ unit: 'binary' }), fc.string(), fc.uint8Array());
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const sha = createHash('sha256');
        for (const each of parts) {
          const bytes = Buffer.from(each as string);
          const length = Buffer.alloc(4);
          length.writeUInt32BE(bytes.byteLength);
          sha.update(length).update(bytes);
        }
        expect(digestBytes(...parts).equals(sha.digest())).toBe(true);
      }),
    );
    expect(digestBytes('\ud800').equals(digestBytes('\ufffd'))).toBe(true);
  });
});

describe('canonicalJson', () => {
  it('is equal for equal values, whatever the order of their keys, and only for those', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        const same = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
        expect(canonicalJson(reversed(a))).toBe(canonicalJson(a));
        expect(canonicalJson(JSON.parse(canonicalJson(a)))).toBe(canonicalJson(same(a)));
        if (canonicalJson(a) === canonicalJson(b)) expect(same(a)).toEqual(same(b));
      }),
    );
  });

  it('orders keys by UTF-16 units, numbers first, and leaves out what is undefined', () => {
    const value = { b: [{ d: 1, c: undefined }, undefined], ä: 0, Z: {}, '10': 0, '9': 0, '': 0 };
    expect(canonicalJson(value)).toBe('{"9":0,"10":0,"":0,"Z":{},"b":[{"d":1},null],"ä":0}');
    expect(canonicalJson(JSON.parse('{"b":1,"__proto__":{"y":1,"x":2}}'))).toBe(
      '{"__proto__":{"x":2,"y":1},"b":1}',
    );
    expect([canonicalJson(null), canonicalJson('a'), canonicalJson([2, 1])]).toEqual([
      ...['null', '"a"', '[2,1]'],
    ]);
  });
});

/** A copy with the keys of all objects the other way round. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, inner]) => [key, reversed(inner)] as const)
      .reverse(),
  );
}
