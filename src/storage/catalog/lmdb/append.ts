import { samePosition } from '../../../domain/commit.js';
import { isSwitchboardError, type SwitchboardError } from '../../../domain/errors.js';
import type { Failpoint } from '../../../domain/failpoint.js';
import { untilGivenUp, type CallOptions } from '../../call-options.js';
import type { AppendOutcome, LogBatch } from '../../log.js';
import { encodeBatch, type EncodedBatch } from './document.js';
import type { GroupWriter } from './group-writer.js';
import { keyOf } from './keys.js';
import { documentAt, readHead } from './log.js';
import { planAppend, type TableWrite } from './plan-append.js';
import type { LmdbStore } from './store.js';
import { notWritten, outcomeUnknown } from './store-error.js';
import type { Table } from './table.js';

/** What an append works with. */
export interface Appender {
  readonly store: LmdbStore;
  readonly writer: GroupWriter;
  readonly failpoint: Failpoint;
}

/** One call of `append`. */
interface Attempt {
  readonly tenant: string;
  readonly encoded: EncodedBatch;
  /** Whether its writes were handed to LMDB. */
  handedOver: boolean;
  /** The failpoint that is called as soon as they were. */
  beforeFlush: Promise<void>;
}

/** `append` of the log's contract. */
export async function append(
  appender: Appender,
  tenant: string,
  call: { readonly batch: LogBatch; readonly options: CallOptions },
): Promise<AppendOutcome> {
  const encoded = encodeBatch(call.batch);
  const attempt: Attempt = {
    tenant,
    encoded,
    handedOver: false,
    beforeFlush: Promise.resolve(),
  };
  await runFailpoint(appender, 'append.before').catch((error: unknown) => {
    throw notWritten(error);
  });
  const writing = writeAndReport(appender, attempt, call.options);
  const { deadline = Infinity } = call.options;
  return untilGivenUp(writing, { deadline }).catch((error: unknown) => {
    // What was not handed over by then is taken back when its turn comes.
    const isUnknown = attempt.handedOver && isSwitchboardError(error, 'DEADLINE_EXCEEDED');
    throw isUnknown ? outcomeUnknown(error) : (error as Error);
  });
}

async function writeAndReport(
  appender: Appender,
  attempt: Attempt,
  options: CallOptions,
): Promise<AppendOutcome> {
  const { tenant, encoded } = attempt;
  const written = await write(appender, attempt, options);
  if (!written) return outcomeWithoutWrite(appender.store, tenant, encoded.batch);
  await afterFlush(appender, attempt);
  return { appended: true, head: encoded.last };
}

/** Whether the batch was written; it is not if the log ends elsewhere. */
async function write(appender: Appender, attempt: Attempt, options: CallOptions): Promise<boolean> {
  try {
    return await appender.writer.submit(() => handOver(appender, attempt), options);
  } catch (error) {
    await attempt.beforeFlush.catch(() => undefined);
    if (isGivenUp(error)) throw error;
    throw failureOf(appender, attempt, error);
  }
}

/**
 * Writes on the condition that the head's version, the revision, is still the one just
 * read. The log never goes back and an epoch never changes, so an equal revision is an
 * equal place. LMDB checks it in the transaction.
 */
function handOver(appender: Appender, attempt: Attempt): Promise<boolean> {
  const { store, failpoint } = appender;
  const { tenant, encoded } = attempt;
  const { after } = encoded.batch;
  if (!samePosition(readHead(store, tenant), after)) return Promise.resolve(false);
  const writes = planAppend(store, tenant, encoded);
  const done = writeIf(store.heads, { key: keyOf(tenant), version: after.revision }, writes);
  attempt.handedOver = true;
  attempt.beforeFlush = (async () => failpoint('append.beforeFlush'))();
  attempt.beforeFlush.catch(() => undefined);
  return done;
}

/** Puts all writes if the entry has the version, or, with version 0, does not exist. */
export function writeIf(
  table: Table,
  condition: { readonly key: Buffer; readonly version: number },
  writes: readonly TableWrite[],
): Promise<boolean> {
  const put = (): void => {
    for (const { table: target, key, value, version } of writes) {
      if (value === undefined) void target.remove(key);
      else void target.put(key, value, version);
    }
  };
  return condition.version === 0
    ? table.ifNoExists(condition.key, put)
    : table.ifVersion(condition.key, condition.version, put);
}

/** A failpoint that throws once the writes are under way leaves the caller in the dark. */
async function afterFlush(appender: Appender, attempt: Attempt): Promise<void> {
  try {
    await attempt.beforeFlush;
    await runFailpoint(appender, 'append.afterFlush');
  } catch (error) {
    throw outcomeUnknown(error);
  }
}

function failureOf(appender: Appender, attempt: Attempt, cause: unknown): SwitchboardError {
  if (!attempt.handedOver) return notWritten(cause);
  const known =
    appender.writer.isUsable() && !isInPlace(appender.store, attempt.tenant, attempt.encoded.batch);
  return known ? notWritten(cause) : outcomeUnknown(cause);
}

/** The log ended elsewhere: someone was first, perhaps this very batch at another time. */
function outcomeWithoutWrite(store: LmdbStore, tenant: string, batch: LogBatch): AppendOutcome {
  const appended = isInPlace(store, tenant, batch);
  return { appended, head: readHead(store, tenant) };
}

function isInPlace(store: LmdbStore, tenant: string, batch: LogBatch): boolean {
  store.root.resetReadTxn();
  if (batch.after.epoch !== readHead(store, tenant).epoch) return false;
  const holder = documentAt(store, tenant, batch.after.revision + 1);
  return holder?.batch === batch.batchId;
}

function isGivenUp(error: unknown): boolean {
  return isSwitchboardError(error, 'CANCELLED') || isSwitchboardError(error, 'DEADLINE_EXCEEDED');
}

async function runFailpoint(
  appender: Appender,
  name: 'append.before' | 'append.afterFlush',
): Promise<void> {
  await appender.failpoint(name);
}
