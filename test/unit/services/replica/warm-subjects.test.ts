import { describe, expect, it } from 'vitest';
import { HoldCounts } from '../../../../src/services/replica/hold-counts.js';
import { WarmSubjects } from '../../../../src/services/replica/warm-subjects.js';
import type { Subject } from '../../../../src/domain/view.js';

const users = (count: number, from = 0): readonly Subject[] =>
  Array.from({ length: count }, (_, index): Subject => `user:${String(from + index)}`);

describe('WarmSubjects', () => {
  it('drops the least recently used, and never what is held [D28, D30]', () => {
    const subjects = new WarmSubjects();
    const holds = new HoldCounts<Subject>();
    const release = holds.hold(['user:0']);
    subjects.add(users(9));
    expect(subjects.evict(holds, 8)).toBe(false);
    subjects.touch('user:1');
    subjects.add(users(20, 9));
    expect(subjects.evict(holds, 8)).toBe(true);
    const left = users(29).filter((subject) => subjects.has(subject));
    expect(left).toEqual(['user:0', ...users(8, 21)]);
    release();
    release();
    subjects.add(users(4, 29));
    subjects.evict(holds, 8);
    expect(subjects.has('user:0')).toBe(false);
  });
});
