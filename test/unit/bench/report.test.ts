import { describe, expect, it } from 'vitest';
import type { RowResult } from '../../bench/result.js';
import {
  formatMark,
  formatNumber,
  formatSpread,
  formatVerdict,
} from '../../bench/report/format.js';
import { renderMarkdownTable } from '../../bench/report/markdown.js';
import { renderTable } from '../../bench/report/table.js';

const row: RowResult = {
  name: 'watch fan-out 10 x 100, bare',
  value: 68_512.3,
  unit: 'deliveries/s',
  baseline: 70_000,
  ratio: 0.9787,
  mark: { of: 'ratio', direction: 'at least', bound: 0.8, met: true },
  ratioIs: 'ours / baseline',
  baselineIs: 'one shared buffer',
  pairs: 5,
  spread: { value: [60_000, 69_000], baseline: [69_999, 70_001], ratio: [0.85, 0.99] },
  beside: [{ figure: 'cpu', label: 'server CPU', unit: 'µs', value: 9.71, baseline: 8 }],
};
const alone: RowResult = {
  ...row,
  name: 'commit to callback',
  baseline: null,
  ratio: null,
  mark: { of: 'ratio', direction: 'at most', bound: 1, met: null },
  spread: { value: [1, 2], baseline: null, ratio: null },
  beside: [{ figure: 'cpu', label: 'server CPU', unit: 'µs', value: 9.71, baseline: null }],
};

describe('numbers', () => {
  it.each([
    [68_512.3, '68,500'],
    [0.97871, '0.979'],
    [12.04, '12'],
    [0, '0'],
    [1_234_567, '1,230,000'],
  ])('%d is written %s', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it('show their spread, unless there is none', () => {
    expect(formatSpread(2, [1, 3])).toBe('2 (1 to 3)');
    expect(formatSpread(2, [2, 2])).toBe('2');
  });

  it('keep a bound as it was set', () => {
    const mark = { of: 'difference', direction: 'at most', bound: 4_096 } as const;
    expect(formatMark(mark, 'bytes')).toBe('at most 4,096 bytes more');
  });
});

describe('the table', () => {
  it('says whether a mark was met, missed, or had nothing to be held against', () => {
    expect(formatVerdict(row)).toBe('met');
    const missed = { of: 'ratio', direction: 'at least', bound: 0.99, met: false } as const;
    expect(formatVerdict({ ...row, mark: missed })).toBe('MISSED');
    expect(formatVerdict(alone)).toBe('no baseline');
    expect(formatVerdict({ ...row, mark: null })).toBe('');
  });

  it('has a line for each row, in columns', () => {
    const lines = renderTable([row, alone]).trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    const [head = '', first = '', second = ''] = lines;
    expect(first.indexOf('68,500 (60,000 to 69,000)')).toBe(head.indexOf('OURS'));
    expect(second.indexOf('no baseline')).toBe(first.indexOf('met'));
    expect(first).toContain('server CPU 9.71 vs 8 µs');
    expect(second).toContain('server CPU 9.71 µs');
  });

  it('is one of Markdown in the docs, with as many cells in each line', () => {
    const lines = renderMarkdownTable([row, alone]).split('\n');
    expect(new Set(lines.map((line) => line.split(' | ').length))).toEqual(new Set([6]));
    expect(lines[2]).toContain('at least 0.8: **met**');
    expect(lines[3]).toContain('one shared buffer: not measured');
  });
});
