import type { MarkSpec } from './bench.js';

/** The median and what the values spread over. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** A mark with what became of it; `met` is null where there is nothing to hold it against. */
export interface JudgedMark extends MarkSpec {
  readonly met: boolean | null;
}

/** The middle value; of an even number the mean of the two in the middle. Throws on none. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which the share `q` (0 to 1) lies, linear between neighbours. Throws on none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = Float64Array.from(values).sort();
  const at = (sorted.length - 1) * q;
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  if (low === undefined || high === undefined) throw new Error('no values');
  return low + (high - low) * (at - Math.floor(at));
}

/** The spread of at least one value. */
export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** `a` to `b`; nothing to nothing is equal, and so 1. */
export function ratioOf(a: number, b: number): number {
  return a === b ? 1 : a / b;
}

/** Holds a mark against what was measured; undefined is for a row without a baseline. */
export function judge(
  mark: MarkSpec,
  measured: { readonly ratio: number; readonly difference: number } | undefined,
): JudgedMark {
  if (measured === undefined) return { ...mark, met: null };
  const value = mark.of === 'ratio' ? measured.ratio : measured.difference;
  return {
    ...mark,
    met: mark.direction === 'at least' ? value >= mark.bound : value <= mark.bound,
  };
}
