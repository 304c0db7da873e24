import { table } from '../../../src/cli/text.js';
import type { RowResult } from '../result.js';
import { formatBeside, formatMark, formatSpread, formatVerdict } from './format.js';

const HEAD = ['WORK', 'UNIT', 'OURS', 'BASELINE', 'RATIO', 'MARK', '', 'COMPARED WITH', 'BESIDE'];

/** The rows for a terminal: medians, with smallest and largest of all pairs in brackets. */
export function renderTable(rows: readonly RowResult[]): string {
  return table([HEAD, ...rows.map(toCells)]);
}

function toCells(row: RowResult): readonly string[] {
  const { name, unit, value, baseline, ratio, mark, spread } = row;
  return [
    name,
    unit,
    formatSpread(value, spread.value),
    baseline === null || spread.baseline === null ? '-' : formatSpread(baseline, spread.baseline),
    ratio === null || spread.ratio === null ? '-' : formatSpread(ratio, spread.ratio),
    mark === null ? '' : formatMark(mark, unit),
    formatVerdict(row),
    row.baselineIs,
    formatBeside(row),
  ];
}
