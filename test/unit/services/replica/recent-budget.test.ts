import { describe, expect, it } from 'vitest';
import { RecentBudget } from '../../../../src/services/replica/recent-budget.js';
import { RecentCommits } from '../../../../src/services/replica/recent-commits.js';
import { creation, placeAll } from '../../../support/storage/builders.js';

const START = { epoch: 'e', revision: 0, fingerprint: '' };
const COMMITS = placeAll(
  START,
  Array.from({ length: 10 }, (_, index) => creation({ id: `id-${String(index)}` })),
);
const ONE = Math.max(...COMMITS.map(({ body }) => body.length));

function tenants(budget: RecentBudget, count: number): readonly RecentCommits[] {
  return Array.from({ length: count }, () => new RecentCommits(1_000, { budget }));
}

function held(recent: RecentCommits): number {
  return COMMITS.filter(({ revision }) => recent.at(revision) !== undefined).length;
}

function push(recent: RecentCommits, count: number): void {
  for (const commit of COMMITS.slice(0, count)) recent.push(commit);
}

describe('the recent commits of many tenants', () => {
  it('take no more than one budget; those of the tenant that had no commit for the longest time go first [W12]', () => {
    const budget = new RecentBudget(ONE * 10);
    const [first, second, third] = tenants(budget, 3) as [
      RecentCommits,
      RecentCommits,
      RecentCommits,
    ];
    push(first, 3);
    push(second, 3);
    first.push(COMMITS[3]!);
    push(third, 3);
    expect([first, second, third].map(held)).toEqual([4, 3, 3]);
    third.push(COMMITS[3]!);
    expect([first, second, third].map(held)).toEqual([4, 0, 4]);
    expect(second.after(2)).toBeUndefined();
    // It goes on with the next one, and the others make room for that as well.
    second.push(COMMITS[3]!);
    expect(second.after(3)).toHaveLength(1);
    for (const recent of tenants(budget, 100)) {
      push(recent, 4);
      expect(budget.size).toBeLessThanOrEqual(ONE * 10);
    }
    expect([first, second, third].map(held)).toEqual([0, 0, 0]);
  });

  it('stay with the tenant that grows, however large they are [W12]', () => {
    const budget = new RecentBudget(1);
    const [recent] = tenants(budget, 1);
    push(recent!, 10);
    expect(held(recent!)).toBe(10);
  });

  it('count no longer once they are forgotten', () => {
    const budget = new RecentBudget();
    const [first, second] = tenants(budget, 2) as [RecentCommits, RecentCommits];
    push(first, 2);
    const alone = budget.size;
    push(second, 5);
    second.clear();
    expect(budget.size).toBe(alone);
    expect([first, second].map(held)).toEqual([2, 0]);
  });
});
