import type { Lab } from './lab/lab.js';

/** What one run of one arm has measured: figures by name. */
export type Sample = Readonly<Record<string, number>>;

/** Measures once. What it leaves behind must not change what the next run finds. */
export type Arm = () => Promise<Sample>;

/** A bound that a row is held against. It decides nothing but what the table says. */
export interface MarkSpec {
  /** What is bounded: the ratio, or ours less the baseline in the unit of the row. */
  readonly of: 'ratio' | 'difference';
  readonly direction: 'at least' | 'at most';
  readonly bound: number;
}

/** A figure of both arms that is shown beside the row, without a mark. */
export interface Beside {
  readonly figure: string;
  readonly label: string;
  readonly unit: string;
}

/** How a row is made from the samples of two arms. */
export interface RowSpec {
  /** Unique, and short enough for the first column. */
  readonly name: string;
  /** Which figure of the samples the row is about. */
  readonly figure: string;
  readonly unit: string;
  /** The arm that ours is compared with. */
  readonly against: string;
  /** What that arm is, for people. */
  readonly baseline: string;
  /** Which way round: so that the mark reads as it was set. */
  readonly ratio: 'ours / baseline' | 'baseline / ours';
  readonly mark?: MarkSpec;
  readonly beside?: readonly Beside[];
}

/** The arms of an opened bench; the name of each but `ours` is what rows say in `against`. */
export interface Arms {
  readonly ours: Arm;
  readonly [other: string]: Arm;
}

/**
 * One measurement: some work of ours, and the same work without us, run in turns. A later
 * row is one more of these in `rows/index.ts`.
 */
export interface Bench {
  /** Unique; `--only` looks at it and at the names of its rows. */
  readonly name: string;
  /** What is measured and how, in a sentence or two; goes into the docs. */
  readonly about: string;
  readonly rows: readonly RowSpec[];
  /** Whether each arm runs once without being counted. Default true. */
  readonly warmUp?: boolean;
  /**
   * Starts what the arms need and registers with the lab what ends it. An arm that cannot
   * be had here is left out; its rows then stand without a baseline.
   */
  open(lab: Lab): Promise<Arms>;
}
