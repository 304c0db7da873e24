import { describe, expect, it } from 'vitest';
import { HeldSubjects } from '../../../../src/services/replica/held-subjects.js';
import type { Subject } from '../../../../src/domain/view.js';

const users = (count: number, from = 0): readonly Subject[] =>
  Array.from({ length: count }, (_, index): Subject => `user:${String(from + index)}`);

describe('HeldSubjects', () => {
  it('loads what is cold once, however many ask, and waits for what is on its way [P8]', async () => {
    const subjects = new HeldSubjects(10);
    const loads: (readonly Subject[])[] = [];
    let finish: () => void = () => undefined;
    const loaded = new Promise<void>((resolve) => (finish = resolve));
    const load = async (cold: readonly Subject[]): Promise<void> => {
      loads.push(cold);
      await loaded;
      subjects.add(cold);
    };
    const first = subjects.join(['user:a', 'user:b'], load);
    const second = subjects.join(['user:b', 'user:c'], load);
    let isDone = false;
    const third = subjects.join(['user:b'], load).then(() => (isDone = true));
    await Promise.resolve();
    expect(isDone).toBe(false);
    finish();
    await Promise.all([first, second, third]);
    expect(loads).toEqual([['user:a', 'user:b'], ['user:c']]);
    await subjects.join(['user:a', 'user:c'], load);
    expect(loads).toHaveLength(2);
  });

  it('tells all who wait of a failure, and loads again after it [F3]', async () => {
    const subjects = new HeldSubjects(10);
    const fail = (): Promise<void> => Promise.reject(new Error('down'));
    const waiting = [subjects.join(['user:a'], fail), subjects.join(['user:a'], fail)];
    for (const result of await Promise.allSettled(waiting)) expect(result.status).toBe('rejected');
    expect(subjects.has('user:a')).toBe(false);
    await subjects.join(['user:a'], async (cold) => {
      subjects.add(cold);
    });
    expect(subjects.has('user:a')).toBe(true);
  });

  it('drops the least recently used, and never what is held [D28, D30]', () => {
    const subjects = new HeldSubjects(8);
    const release = subjects.hold(['user:0']);
    subjects.add(users(9));
    expect(subjects.evict()).toBe(false);
    subjects.touch('user:1');
    subjects.add(users(20, 9));
    expect(subjects.evict()).toBe(true);
    const left = users(29).filter((subject) => subjects.has(subject));
    expect(left).toEqual(['user:0', ...users(8, 21)]);
    release();
    release();
    subjects.add(users(4, 29));
    subjects.evict();
    expect(subjects.has('user:0')).toBe(false);
  });
});
