import { describe, expect, it } from 'vitest';
import { createBatches } from '../../../../src/services/concurrency/batches.js';

/** Batches whose work waits until it is let go; `sizes` tells how many keys each got. */
function heldBatches(limits: { readonly most: number; readonly atOnce: number }) {
  const sizes: number[] = [];
  const waiting: (() => void)[] = [];
  const ask = createBatches<number>(limits, async (keys) => {
    sizes.push(keys.length);
    await new Promise<void>((resolve) => waiting.push(resolve));
  });
  const letGo = async (): Promise<void> => {
    for (const go of waiting.splice(0)) go();
    await turn();
  };
  return { ask, sizes, letGo };
}

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve));
  });
const upTo = (count: number, from = 0): readonly number[] =>
  Array.from({ length: count }, (_, index) => from + index);

describe('work in batches', () => {
  it('takes what is asked for in one turn together, so many at once', async () => {
    const { ask, sizes, letGo } = heldBatches({ most: 500, atOnce: 4 });
    const asked = Promise.all(upTo(10_000).map((key) => ask([key])));
    await turn();
    expect(sizes).toEqual([500, 500, 500, 500]);
    for (let round = 0; round < 5; round += 1) await letGo();
    await asked;
    expect(sizes).toEqual(upTo(20).map(() => 500));
  });

  it('works on a key once, however many ask, also while it is under way', async () => {
    const { ask, sizes, letGo } = heldBatches({ most: 500, atOnce: 1 });
    const first = ask([1, 2]);
    await turn();
    let isDone = false;
    const second = ask([2]).then(() => (isDone = true));
    const third = ask([2, 3]);
    await turn();
    expect([sizes, isDone]).toEqual([[2], false]);
    await letGo();
    await Promise.all([first, second]);
    await letGo();
    await third;
    expect(sizes).toEqual([2, 1]);
  });

  it('fails all who wait for a key of a batch that fails, and tries anew for the next', async () => {
    let isDown = true;
    const ask = createBatches<number>({ most: 10, atOnce: 1 }, () =>
      isDown ? Promise.reject(new Error('down')) : Promise.resolve(),
    );
    const results = await Promise.allSettled([ask([1]), ask([1, 2])]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    isDown = false;
    await ask([1]);
  });
});
