import { describe, expect, it } from 'vitest';
import { createRounds } from '../../../../src/services/concurrency/rounds.js';

describe('work in rounds', () => {
  it('gives each a round that began after it asked, one for all who wait', async () => {
    const running: (() => void)[] = [];
    const round = createRounds(() => new Promise((resolve) => running.push(resolve)));
    const first = round();
    let isDone = false;
    const others = [round(), round()].map((each) => each.then(() => (isDone = true)));
    expect(running).toHaveLength(1);
    running[0]?.();
    await first;
    expect([running.length, isDone]).toEqual([2, false]);
    running[1]?.();
    await Promise.all(others);
  });

  it('goes on after one that fails, and lets a caller give up alone', async () => {
    const running: { resolve: () => void; reject: (error: Error) => void }[] = [];
    const round = createRounds(
      () => new Promise((resolve, reject) => running.push({ resolve, reject })),
    );
    const first = round();
    const gone = new AbortController();
    const [second, third] = [round(gone.signal), round()];
    gone.abort(new Error('gone'));
    await expect(second).rejects.toThrow('gone');
    running[0]?.reject(new Error('down'));
    await expect(first).rejects.toThrow('down');
    running[1]?.resolve();
    await third;
  });
});
