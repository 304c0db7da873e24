import { setImmediate as nextTurn } from 'node:timers/promises';

/** What each turn of the event loop adds to `count` until it is over: the most of it. */
export async function mostPerTurn(count: () => number, isOver: () => boolean): Promise<number> {
  let before = count();
  let most = 0;
  while (!isOver()) {
    await nextTurn();
    most = Math.max(most, count() - before);
    before = count();
  }
  return most;
}
