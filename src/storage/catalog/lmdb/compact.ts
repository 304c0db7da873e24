import { throwIfGivenUp, type CallOptions } from '../../call-options.js';
import { writeIf } from './append.js';
import { decodeHeader, encodeEmptied } from './document.js';
import type { GroupWriter } from './group-writer.js';
import { keyOf, keysUnder } from './keys.js';
import { documentsFrom, encodeMark, readHead, readMark } from './log.js';
import type { AnswerTimeRow, TableWrite } from './plan-append.js';
import type { LmdbStore } from './store.js';

/** One transaction of compaction does at most this much, so that appends get their turn. */
const STEP_ENTRIES = 500;
const STEP_BYTES = 4 * 1024 * 1024;

/** What a compaction works with. */
export interface Compactor {
  readonly store: LmdbStore;
  readonly writer: GroupWriter;
}

interface Step {
  readonly writes: readonly TableWrite[];
  readonly mark: number;
}

/**
 * `compact` of the log's contract, in steps: each step empties documents and moves the
 * mark with them. Given up on the way, the steps that were done stay done.
 */
export async function compact(
  compactor: Compactor,
  tenant: string,
  call: { readonly upTo: number; readonly options: CallOptions & { answersBefore: number } },
): Promise<number> {
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
  while (await step(() => emptyDocuments(compactor.store, tenant, upTo)));
  while (await step(() => forgetAnswers(compactor.store, tenant, options.answersBefore)));
  throwIfGivenUp(options);
  compactor.store.root.resetReadTxn();
  return readMark(compactor.store, tenant);
}

/** Undefined if nothing is left to do. Another compaction at once makes it a retry. */
function emptyDocuments(
  store: LmdbStore,
  tenant: string,
  upTo: number,
): Promise<boolean> | undefined {
  const version = readMark(store, tenant);
  const { writes, mark } = planEmptying(store, tenant, { mark: version, upTo });
  if (writes.length === 0) return undefined;
  const key = keyOf(tenant);
  const moved: TableWrite = { table: store.marks, key, value: encodeMark(mark), version: mark };
  return writeIf(store.marks, { key, version }, [...writes, moved]);
}

function planEmptying(
  store: LmdbStore,
  tenant: string,
  range: { readonly mark: number; readonly upTo: number },
): Step {
  const { epoch } = readHead(store, tenant);
  const writes: TableWrite[] = [];
  let { mark } = range;
  let bytes = 0;
  if (mark >= range.upTo) return { writes, mark };
  for (const text of documentsFrom(store, tenant, { epoch, revision: mark + 1 })) {
    const header = decodeHeader(text);
    if (header.last > range.upTo || writes.length >= STEP_ENTRIES || bytes > STEP_BYTES) break;
    const key = keyOf(tenant, epoch, header.first);
    writes.push({ table: store.log, key, value: encodeEmptied(header) });
    mark = header.last;
    bytes += text.length;
  }
  return { writes, mark };
}

/** Undefined if nothing is left to do. */
function forgetAnswers(
  store: LmdbStore,
  tenant: string,
  before: number,
): Promise<boolean> | undefined {
  const range = { start: keysUnder(tenant).start, end: keyOf(tenant, before), limit: STEP_ENTRIES };
  const writes: TableWrite[] = [];
  for (const { key, value } of store.answerTimes.getRange(range)) {
    writes.push({ table: store.answerTimes, key: Buffer.from(key) });
    const { principal, requestId, revision } = JSON.parse(value) as AnswerTimeRow;
    const answerKey = keyOf(tenant, principal, requestId);
    const answer = store.answers.get(answerKey);
    if (answer === undefined) continue;
    const recorded = JSON.parse(answer) as { revision: number };
    if (recorded.revision === revision) writes.push({ table: store.answers, key: answerKey });
  }
  if (writes.length === 0) return undefined;
  return store.root.batch(() => {
    for (const { table, key } of writes) void table.remove(key);
  });
}
