import type { Beside, RowSpec, Sample } from './bench.js';
import { judge, ratioOf, spreadOf, type JudgedMark, type Spread } from './figures.js';

/** What each arm measured, pair by pair: entries of one index ran one after the other. */
export type Samples = Readonly<Record<string, readonly Sample[]>>;

/** A figure beside a row, of ours and of the baseline. */
export interface BesideResult extends Beside {
  readonly value: number;
  readonly baseline: number | null;
}

/** One row of the result, and one element of what `--json` writes. Values are medians. */
export interface RowResult {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The same figure of the baseline; null if it could not be had here. */
  readonly baseline: number | null;
  /** The median of the ratios of the pairs, which way round `ratioIs` says. */
  readonly ratio: number | null;
  readonly mark: JudgedMark | null;
  readonly ratioIs: RowSpec['ratio'];
  readonly baselineIs: string;
  readonly pairs: number;
  /** Smallest and largest of all pairs. */
  readonly spread: {
    readonly value: readonly [number, number];
    readonly baseline: readonly [number, number] | null;
    readonly ratio: readonly [number, number] | null;
  };
  readonly beside: readonly BesideResult[];
}

/** Makes a row from samples. Throws if an arm did not measure the figure of the row. */
export function toRow(spec: RowSpec, samples: Samples): RowResult {
  const ours = figuresOf(samples, 'ours', spec.figure);
  const others =
    spec.against in samples ? figuresOf(samples, spec.against, spec.figure) : undefined;
  const value = spreadOf(ours);
  const baseline = others && spreadOf(others);
  const ratio = others && spreadOf(pairRatios(spec, ours, others));
  const measured = ratio &&
    baseline && { ratio: ratio.median, difference: value.median - baseline.median };
  return {
    name: spec.name,
    value: value.median,
    unit: spec.unit,
    baseline: baseline?.median ?? null,
    ratio: ratio?.median ?? null,
    mark: spec.mark === undefined ? null : judge(spec.mark, measured),
    ratioIs: spec.ratio,
    baselineIs: spec.baseline,
    pairs: ours.length,
    spread: { value: range(value), baseline: rangeOrNull(baseline), ratio: rangeOrNull(ratio) },
    beside: (spec.beside ?? []).map((beside) => ({
      ...beside,
      value: spreadOf(figuresOf(samples, 'ours', beside.figure)).median,
      baseline: others ? spreadOf(figuresOf(samples, spec.against, beside.figure)).median : null,
    })),
  };
}

/** The ratio of each pair. */
export function pairRatios(
  { ratio }: Pick<RowSpec, 'ratio'>,
  ours: readonly number[],
  others: readonly number[],
): readonly number[] {
  return ours.map((value, index) => {
    const other = others[index];
    if (other === undefined) throw new Error('a pair without its baseline');
    return ratio === 'ours / baseline' ? ratioOf(value, other) : ratioOf(other, value);
  });
}

function figuresOf(samples: Samples, arm: string, figure: string): readonly number[] {
  return (samples[arm] ?? []).map((sample) => {
    const value = sample[figure];
    if (value === undefined) throw new Error(`the arm ${arm} has not measured ${figure}`);
    return value;
  });
}

function range({ min, max }: Spread): readonly [number, number] {
  return [min, max];
}

function rangeOrNull(spread: Spread | undefined): readonly [number, number] | null {
  return spread === undefined ? null : range(spread);
}
