import { describe, expect, it } from 'vitest';
import type { RowSpec } from '../../bench/bench.js';
import { pairRatios, toRow } from '../../bench/result.js';

const spec: RowSpec = {
  name: 'a row',
  figure: 'rate',
  unit: 'calls/s',
  against: 'bare',
  baseline: 'nothing but grpc-js',
  ratio: 'ours / baseline',
  mark: { of: 'ratio', direction: 'at least', bound: 0.8 },
  beside: [{ figure: 'cpu', label: 'CPU', unit: 'µs' }],
};

const samples = {
  ours: [
    { rate: 80, cpu: 3 },
    { rate: 40, cpu: 1 },
    { rate: 90, cpu: 2 },
  ],
  bare: [
    { rate: 100, cpu: 1 },
    { rate: 40, cpu: 1 },
    { rate: 300, cpu: 4 },
  ],
};

describe('toRow', () => {
  it('compares pair by pair, not median with median', () => {
    const row = toRow(spec, samples);
    // The medians are 80 and 100 as well; the ratios are 0.8, 1 and 0.3.
    expect(row).toMatchObject({ value: 80, baseline: 100, ratio: 0.8, pairs: 3 });
    expect(toRow(spec, { ...samples, bare: samples.bare.toReversed() }).ratio).toBeCloseTo(0.9);
  });

  it('has name, value, unit, baseline, ratio and mark, and what they spread over', () => {
    expect(toRow(spec, samples)).toEqual({
      name: 'a row',
      value: 80,
      unit: 'calls/s',
      baseline: 100,
      ratio: 0.8,
      mark: { of: 'ratio', direction: 'at least', bound: 0.8, met: true },
      ratioIs: 'ours / baseline',
      baselineIs: 'nothing but grpc-js',
      pairs: 3,
      spread: { value: [40, 90], baseline: [40, 300], ratio: [0.3, 1] },
      beside: [{ figure: 'cpu', label: 'CPU', unit: 'µs', value: 2, baseline: 1 }],
    });
  });

  it('turns the ratio round where the row says so', () => {
    const row = toRow({ ...spec, ratio: 'baseline / ours' }, samples);
    expect(row.ratio).toBe(1.25);
    expect(row.spread.ratio).toEqual([1, 300 / 90]);
  });

  it('holds a difference against its mark in the unit of the row', () => {
    const mark = { of: 'difference', direction: 'at most', bound: -20 } as const;
    expect(toRow({ ...spec, mark }, samples).mark?.met).toBe(true);
    expect(toRow({ ...spec, mark: { ...mark, bound: -21 } }, samples).mark?.met).toBe(false);
  });

  it('stands without baseline, ratio and verdict if the other arm could not be had', () => {
    const row = toRow(spec, { ours: samples.ours });
    expect(row).toMatchObject({ value: 80, baseline: null, ratio: null, mark: { met: null } });
    expect(row.spread).toEqual({ value: [40, 90], baseline: null, ratio: null });
    expect(row.beside).toMatchObject([{ value: 2, baseline: null }]);
    // What JSON drops would be missing from the file.
    expect(JSON.parse(JSON.stringify(row))).toEqual(row);
  });

  it('has no mark where none was set', () => {
    const { mark: _mark, ...unmarked } = spec;
    expect(toRow(unmarked, samples).mark).toBeNull();
  });

  it('refuses samples without the figure of the row', () => {
    expect(() => toRow({ ...spec, figure: 'p99' }, samples)).toThrow('has not measured p99');
  });

  it('refuses a pair of which one side is missing', () => {
    expect(() => pairRatios(spec, [1, 2], [1])).toThrow('without its baseline');
  });
});
