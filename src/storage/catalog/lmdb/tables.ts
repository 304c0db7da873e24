import type { Position } from '../../../domain/commit.js';

/** The tables beside `meta`; `store.ts` says what is in them. */
export const TABLES = [
  'heads',
  'marks',
  'log',
  'servers',
  'tombstones',
  'deleted',
  'versions',
  'accessSteps',
  'grants',
  'index',
  'loads',
  'sources',
  'answers',
  'answerTimes',
] as const;

export type TableName = (typeof TABLES)[number];

/** What `heads` holds for a tenant that has commits. */
export interface HeadRow extends Position {
  readonly tenant: string;
}

/** What `marks` holds for a tenant that was compacted. */
export interface MarkRow {
  readonly mark: number;
  /** Up to where documents are emptied: a compaction that ended early left the others. */
  readonly emptied: number;
}

/** Of the tables whose entries have a version beside their value: which one, by the value. */
export const VERSION_OF: Readonly<Partial<Record<TableName, (text: string) => number>>> = {
  heads: (text) => (JSON.parse(text) as HeadRow).revision,
  marks: (text) => (JSON.parse(text) as MarkRow).mark,
};
