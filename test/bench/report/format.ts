import type { MarkSpec } from '../bench.js';
import type { RowResult } from '../result.js';

/** A number with three figures that matter, and separators: 12,300; 4.56; 0.0123. */
export function formatNumber(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en-US', { maximumSignificantDigits: 3 });
}

/** `middle (smallest to largest)`, of one pair just the value. */
export function formatSpread(middle: number, range: readonly [number, number]): string {
  if (range[0] === range[1]) return formatNumber(middle);
  return `${formatNumber(middle)} (${formatNumber(range[0])} to ${formatNumber(range[1])})`;
}

/** The bound of a mark, in the unit of the row where it bounds a difference. */
export function formatMark(mark: MarkSpec, unit: string): string {
  const bound = mark.bound.toLocaleString('en-US');
  return mark.of === 'ratio'
    ? `${mark.direction} ${bound}`
    : `${mark.direction} ${bound} ${unit} more`;
}

/** What became of the mark of a row. */
export function formatVerdict({ mark }: RowResult): string {
  if (mark === null) return '';
  return mark.met === null ? 'no baseline' : mark.met ? 'met' : 'MISSED';
}

/** What is shown beside a row: `calls 5,100 / 6,200 /s`, ours first. */
export function formatBeside({ beside }: RowResult): string {
  return beside
    .map(({ label, value, baseline, unit }) => {
      const values = [value, ...(baseline === null ? [] : [baseline])].map(formatNumber);
      return `${label} ${values.join(' vs ')}${unit === '' ? '' : ` ${unit}`}`;
    })
    .join('; ');
}
