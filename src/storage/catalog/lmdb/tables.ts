import type { HeadRow, MarkRow } from './log.js';

/** The tables beside `meta`; `store.ts` says what is in them. */
export const TABLES = [
  'heads',
  'marks',
  'log',
  'servers',
  'tombstones',
  'deleted',
  'versions',
  'grants',
  'index',
  'loads',
  'sources',
  'answers',
  'answerTimes',
] as const;

export type TableName = (typeof TABLES)[number];

/** Of the tables whose entries have a version beside their value: which one, by the value. */
export const VERSION_OF: Readonly<Partial<Record<TableName, (text: string) => number>>> = {
  heads: (text) => (JSON.parse(text) as HeadRow).revision,
  marks: (text) => (JSON.parse(text) as MarkRow).mark,
};
