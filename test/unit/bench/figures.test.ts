import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge, median, quantile, ratioOf, spreadOf } from '../../bench/figures.js';

describe('median and quantile', () => {
  it('is the middle one, whatever the order', () => {
    expect(median([9, 1, 5])).toBe(5);
  });

  it('is between the two in the middle of an even number', () => {
    expect(median([10, 1, 2, 4])).toBe(3);
  });

  it('sorts as numbers, not as texts', () => {
    expect(median([100, 20, 3])).toBe(20);
  });

  it('is linear between neighbours', () => {
    expect(quantile([0, 10, 20, 30, 40], 0.99)).toBeCloseTo(39.6);
    expect(quantile([7], 0.99)).toBe(7);
  });

  it('leaves the given values in their order', () => {
    const values = [3, 1, 2];
    spreadOf(values);
    expect(values).toEqual([3, 1, 2]);
  });

  it('refuses to say anything of no values', () => {
    expect(() => median([])).toThrow('no values');
  });

  it('lies between the smallest and the largest, with as many below as above', () => {
    const numbers = fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1 });
    fc.assert(
      fc.property(numbers, (values) => {
        const spread = spreadOf(values);
        expect(spread.min).toBeLessThanOrEqual(spread.median);
        expect(spread.max).toBeGreaterThanOrEqual(spread.median);
        const below = values.filter((value) => value < spread.median).length;
        const above = values.filter((value) => value > spread.median).length;
        expect(Math.max(below, above)).toBeLessThanOrEqual(values.length / 2);
      }),
    );
  });
});

describe('ratioOf', () => {
  it('divides', () => {
    expect(ratioOf(3, 4)).toBe(0.75);
  });

  it('takes nothing against nothing for equal', () => {
    expect(ratioOf(0, 0)).toBe(1);
    expect(ratioOf(2, 0)).toBe(Infinity);
  });
});

describe('judge', () => {
  const atLeast = { of: 'ratio', direction: 'at least', bound: 0.75 } as const;
  const atMost = { of: 'difference', direction: 'at most', bound: 4_096 } as const;

  it.each([
    [atLeast, { ratio: 0.75, difference: 0 }, true],
    [atLeast, { ratio: 0.749, difference: 99 }, false],
    [atMost, { ratio: 99, difference: 4_096 }, true],
    [atMost, { ratio: 0, difference: 4_097 }, false],
  ])('%j of %j: %s', (mark, measured, met) => {
    expect(judge(mark, measured)).toEqual({ ...mark, met });
  });

  it('says neither where there is no baseline', () => {
    expect(judge(atLeast, undefined)).toEqual({ ...atLeast, met: null });
  });
});
