import { throwIfGivenUp, type CallOptions } from '../../call-options.js';
import type { Failpoint } from '../../../domain/failpoint.js';
import { writeIf } from './append.js';
import { decodeHeader, encodeEmptied } from './document.js';
import type { GroupWriter } from './group-writer.js';
import { keyOf, keysUnder } from './keys.js';
import { documentBefore, documentsFrom, encodeMark, readHead, readMark } from './log.js';
import type { AnswerTimeRow, TableWrite } from './plan-append.js';
import type { LmdbStore } from './store.js';
import type { MarkRow } from './tables.js';

/** One transaction of compaction does at most this much, so that appends get their turn. */
const STEP_ENTRIES = 500;
const STEP_BYTES = 4 * 1024 * 1024;

/** What a compaction works with. */
export interface Compactor {
  readonly store: LmdbStore;
  readonly writer: GroupWriter;
  readonly failpoint: Failpoint;
}

/**
 * `compact` of the log's contract, in steps and in this order: answers are forgotten, the mark
 * moves, and only then documents are emptied. So an answer that is found has its commit,
 * wherever it ends (rule 3). Given up on the way, the steps that were done stay done, and the
 * next compaction goes on with the others.
 */
export async function compact(
  compactor: Compactor,
  tenant: string,
  call: { readonly upTo: number; readonly options: CallOptions & { answersBefore: number } },
): Promise<number> {
  const { store, failpoint } = compactor;
  const { upTo, options } = call;
  const step = async (write: () => Promise<boolean> | undefined): Promise<boolean> => {
    let more = false;
    await compactor.writer.submit(() => {
      const done = write();
      more = done !== undefined;
      return done ?? Promise.resolve(true);
    }, options);
    return more;
  };
  while (await step(() => forgetAnswers(store, tenant, options.answersBefore)));
  await failpoint('compact.forgotten');
  while (await step(() => moveMark(store, tenant, upTo)));
  await failpoint('compact.marked');
  while (await step(() => emptyDocuments(store, tenant)));
  throwIfGivenUp(options);
  store.root.resetReadTxn();
  return readMark(store, tenant).mark;
}

/** To the end of the last document at or below `upTo`. Another compaction at once makes it a retry. */
function moveMark(store: LmdbStore, tenant: string, upTo: number): Promise<boolean> | undefined {
  const row = readMark(store, tenant);
  const mark = lastEnd(store, tenant, upTo);
  return mark > row.mark ? writeMark(store, tenant, { row, next: { ...row, mark } }) : undefined;
}

function lastEnd(store: LmdbStore, tenant: string, upTo: number): number {
  const { epoch } = readHead(store, tenant);
  const text = documentBefore(store, tenant, { epoch, revision: upTo });
  if (text === undefined) return 0;
  const { first, last } = decodeHeader(text);
  return last <= upTo ? last : first - 1;
}

/** Empties some of the documents up to the mark. Undefined if nothing is left to do. */
function emptyDocuments(store: LmdbStore, tenant: string): Promise<boolean> | undefined {
  const row = readMark(store, tenant);
  if (row.emptied >= row.mark) return undefined;
  const { epoch } = readHead(store, tenant);
  const writes: TableWrite[] = [];
  let { emptied } = row;
  let bytes = 0;
  for (const text of documentsFrom(store, tenant, { epoch, revision: emptied + 1 })) {
    const header = decodeHeader(text);
    if (header.last > row.mark || writes.length >= STEP_ENTRIES || bytes > STEP_BYTES) break;
    const key = keyOf(tenant, epoch, header.first);
    writes.push({ table: store.log, key, value: encodeEmptied(header) });
    emptied = header.last;
    bytes += text.length;
  }
  return writeMark(store, tenant, { row, next: { ...row, emptied }, writes });
}

/** Writes the row, and `writes`, if the mark is still the one that was read. */
function writeMark(
  store: LmdbStore,
  tenant: string,
  {
    row,
    next,
    writes = [],
  }: {
    readonly row: MarkRow;
    readonly next: MarkRow;
    readonly writes?: readonly TableWrite[];
  },
): Promise<boolean> {
  const key = keyOf(tenant);
  const value = encodeMark(next);
  const moved: TableWrite = { table: store.marks, key, value, version: next.mark };
  return writeIf(store.marks, { key, version: row.mark }, [...writes, moved]);
}

/** Undefined if nothing is left to do. */
function forgetAnswers(
  store: LmdbStore,
  tenant: string,
  before: number,
): Promise<boolean> | undefined {
  const range = { start: keysUnder(tenant).start, end: keyOf(tenant, before), limit: STEP_ENTRIES };
  const writes: TableWrite[] = [];
  for (const { key, text } of store.answerTimes.rows(range)) {
    writes.push({ table: store.answerTimes, key: Buffer.from(key) });
    const { principal, requestId, revision } = JSON.parse(text) as AnswerTimeRow;
    const answerKey = keyOf(tenant, principal, requestId);
    const answer = store.answers.get(answerKey);
    if (answer === undefined) continue;
    const recorded = JSON.parse(answer) as { revision: number };
    if (recorded.revision === revision) writes.push({ table: store.answers, key: answerKey });
  }
  if (writes.length === 0) return undefined;
  // On a condition, as LMDB reports a failed write only of those: a plain batch that did not fit
  // on the disk looks as if it had been written.
  const { mark } = readMark(store, tenant);
  return writeIf(store.marks, { key: keyOf(tenant), version: mark }, writes);
}
