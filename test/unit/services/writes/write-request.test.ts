import { describe, expect, it } from 'vitest';
import { holdAll } from '../../../../src/services/writes/write-request.js';

describe('holdAll', () => {
  const holds = (count: number) => {
    const held = new Set<number>();
    const hold = async (n: number): Promise<() => void> => {
      await Promise.resolve();
      held.add(n);
      return () => held.delete(n);
    };
    return { held, all: Array.from({ length: count }, (_, n) => hold(n)) };
  };

  it('holds all of it until it is released', async () => {
    const { held, all } = holds(3);
    const release = await holdAll(all);
    expect(held.size).toBe(3);
    release();
    expect(held.size).toBe(0);
  });

  it('keeps nothing if some of it cannot be held, whichever settles first', async () => {
    const { held, all } = holds(2);
    const failing = Promise.reject(new Error('the store is gone'));
    await expect(holdAll([failing, ...all])).rejects.toThrow('the store is gone');
    expect(held.size).toBe(0);
  });
});
