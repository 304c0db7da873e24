import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { justAfter, keyOf, keysUnder } from '../../../src/storage/catalog/lmdb/keys.js';
import { ODD_TEXTS } from '../../support/storage/history.js';

/** What LMDB takes with pages of 4 KB. */
const MAX_KEY_BYTES = 1978;

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(...ODD_TEXTS, '', '\u0000', 'a\u0000b', '\u0000'.repeat(9)),
  fc.string({ unit: 'grapheme', minLength: 250, maxLength: 900 }),
);
const part = fc.oneof(text, fc.nat(Number.MAX_SAFE_INTEGER));

describe('keys of the LMDB catalog', () => {
  it('never refuse, and never mix up, lists of texts [D5, D31]', () => {
    fc.assert(
      fc.property(fc.tuple(text, text, text), fc.tuple(text, text, text), (a, b) => {
        const same = JSON.stringify(a) === JSON.stringify(b);
        expect(keyOf(...a).equals(keyOf(...b))).toBe(same);
        expect(keyOf('grant', ...a).byteLength).toBeLessThan(MAX_KEY_BYTES);
      }),
      { numRuns: 2_000 },
    );
  });

  it('lie under the parts that they begin with, and under no others', () => {
    fc.assert(
      fc.property(text, text, part, (first, second, last) => {
        const key = keyOf(first, last);
        expect(isUnder(key, keysUnder(first))).toBe(true);
        expect(isUnder(key, keysUnder(second))).toBe(first === second);
      }),
      { numRuns: 2_000 },
    );
  });

  it('of numbers are in their order', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (a, b) => {
        expect(Math.sign(Buffer.compare(keyOf('t', a), keyOf('t', b)))).toBe(Math.sign(a - b));
      }),
    );
  });

  it('follow each other without a place between a key and the one just after', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        const [first, second] = [keyOf('t', a), keyOf('t', b)];
        fc.pre(Buffer.compare(first, second) < 0);
        expect(Buffer.compare(justAfter(first), second)).toBeLessThan(0);
        expect(Buffer.compare(first, justAfter(first))).toBeLessThan(0);
      }),
    );
  });

  it('take odd numbers as the whole ones that they are near', () => {
    expect(keyOf(-5)).toEqual(keyOf(0));
    expect(keyOf(7.9)).toEqual(keyOf(7));
  });
});

function isUnder(key: Buffer, range: { readonly start: Buffer; readonly end: Buffer }): boolean {
  return Buffer.compare(key, range.start) >= 0 && Buffer.compare(key, range.end) < 0;
}
