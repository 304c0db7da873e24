import { setImmediate as nextTurn } from 'node:timers/promises';
import { createSlots } from './slots.js';

interface Batch<K> {
  readonly keys: K[];
  readonly done: Promise<void>;
}

/**
 * Work for keys, many at once: what is asked for in one turn of the event loop, and while all
 * slots are taken, goes into one batch of at most `most` keys; at most `atOnce` batches are under
 * way. A key that is waiting or under way is not worked on twice. Resolves when the work for
 * all of the keys is done; a batch that fails fails all who wait for a key of it.
 */
export function createBatches<K>(
  { most, atOnce }: { readonly most: number; readonly atOnce: number },
  work: (keys: readonly K[]) => Promise<void>,
): (keys: readonly K[]) => Promise<void> {
  const slots = createSlots(atOnce);
  const pending = new Map<K, Promise<void>>();
  let gathering: Batch<K> | undefined;

  const gather = (): Batch<K> => {
    const keys: K[] = [];
    const run = async (): Promise<void> => {
      if (gathering === batch) gathering = undefined;
      await work(keys);
    };
    const done = nextTurn()
      .then(() => slots(run))
      .finally(() => {
        for (const key of keys) pending.delete(key);
      });
    // Whoever waited may have given up.
    done.catch(() => undefined);
    const batch: Batch<K> = { keys, done };
    return batch;
  };

  return async (keys) => {
    const waitFor = new Set<Promise<void>>();
    for (const key of keys) {
      let done = pending.get(key);
      if (done === undefined) {
        gathering ??= gather();
        gathering.keys.push(key);
        ({ done } = gathering);
        pending.set(key, done);
        if (gathering.keys.length === most) gathering = undefined;
      }
      waitFor.add(done);
    }
    await Promise.all(waitFor);
  };
}
