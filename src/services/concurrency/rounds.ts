import { untilAborted } from './until-aborted.js';

/** Waits for a round of the work; `signal` ends the waiting, not the work. */
export type Rounds = (signal?: AbortSignal) => Promise<void>;

/**
 * Work that all who ask for it share. Each gets a round that began after it asked: one round runs
 * at a time, and those who come while it runs share the next.
 */
export function createRounds(work: () => Promise<void>): Rounds {
  let current: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const begin = (): Promise<void> => {
    next = undefined;
    current = work().finally(() => {
      current = undefined;
    });
    return current;
  };
  return async (signal) => {
    const round = current === undefined ? begin() : (next ??= current.then(begin, begin));
    await (signal === undefined ? round : untilAborted(round, signal));
  };
}
