import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, digestText } from '../../../src/domain/digest.js';

describe('digestText', () => {
  it('does not confuse lists of parts that join to the same text', () => {
    expect(digestText('ab', 'c')).not.toBe(digestText('a', 'bc'));
    expect(digestText('a', '')).not.toBe(digestText('a'));
    expect(digestText('a')).toMatch(/^[\w-]{22}$/);
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
