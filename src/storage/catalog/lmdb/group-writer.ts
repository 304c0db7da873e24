import { setImmediate as nextTurn } from 'node:timers/promises';
import { SwitchboardError } from '../../../domain/errors.js';
import { throwIfGivenUp, type CallOptions } from '../../call-options.js';
import type { LmdbStore } from './store.js';
import { causeOf } from './store-error.js';

/**
 * Work for the next transaction. It runs without interruption, reads the store as it is,
 * hands its writes to lmdb by `ifVersion`, `ifNoExists` or `batch`, and answers lmdb's
 * promise, which resolves once they are on the disk: true, or false if the condition on
 * them did not hold.
 */
export type Write = () => Promise<boolean>;

interface Waiting {
  readonly write: Write;
  readonly options: CallOptions;
  readonly resolve: (done: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** Commits what waits together, in one transaction with one flush after the other. */
export interface GroupWriter {
  /**
   * Runs `write` with the next group. Until then its caller may take it back: CANCELLED or
   * DEADLINE_EXCEEDED. Throws what the commit threw if the store refused the whole group.
   */
  submit(write: Write, options?: CallOptions): Promise<boolean>;

  /**
   * Whether LMDB still takes transactions. After it failed to write its own root page it
   * takes none until it is opened again, and lmdb's promises would wait for ever: nothing
   * is handed to it from then on, `submit` throws CATALOG_UNAVAILABLE.
   */
  isUsable(): boolean;
}

/**
 * One group is with lmdb at a time, while the next one gathers: each flush serves all who
 * asked during the flush before, and only one thread of the pool is ever taken.
 */
export function createGroupWriter(store: LmdbStore): GroupWriter {
  let waiting: Waiting[] = [];
  let running = false;
  let usable = true;

  const isUsable = (): boolean => (usable &&= takesTransactions(store));
  const runGroups = async (): Promise<void> => {
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      await commitGroup(store, group).catch(async (error: unknown) => {
        await causeOf(error);
        isUsable();
      });
      // Whoever asks in this turn of the event loop joins the next group.
      await nextTurn();
    }
    running = false;
  };

  return {
    submit: (write, options = {}) =>
      new Promise<boolean>((resolve, reject) => {
        if (!usable) throw new SwitchboardError('CATALOG_UNAVAILABLE', 'LMDB has failed');
        waiting.push({ write, options, resolve, reject });
        if (running) return;
        running = true;
        void nextTurn().then(runGroups);
      }),
    isUsable,
  };
}

/** Settles all waiters; throws if the commit failed. */
async function commitGroup(store: LmdbStore, group: readonly Waiting[]): Promise<void> {
  const settled: Promise<void>[] = [];
  store.root.resetReadTxn();
  const committed = store.root.batch(() => {
    for (const waiter of group) settled.push(runOne(waiter));
  });
  await Promise.all([committed, ...settled]);
}

async function runOne(waiter: Waiting): Promise<void> {
  try {
    throwIfGivenUp(waiter.options);
    waiter.resolve(await waiter.write());
  } catch (error) {
    waiter.reject(await causeOf(error));
  }
}

function takesTransactions(store: LmdbStore): boolean {
  try {
    store.root.transactionSync(() => undefined);
    return true;
  } catch {
    return false;
  }
}
