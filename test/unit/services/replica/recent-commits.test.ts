import { describe, expect, it } from 'vitest';
import { changeJson, withoutText } from '../../../../src/domain/commit.js';
import { RecentCommits } from '../../../../src/services/replica/recent-commits.js';
import { loadOf } from '../../../support/loads/loads.js';
import {
  changeOf,
  creation,
  draftOf,
  placeAll,
  recordOf,
} from '../../../support/storage/builders.js';

const request = (requestId: string) => ({ principal: 'p', requestId, bodyDigest: 'b' });
const commits = placeAll(
  { epoch: 'e', revision: 4, fingerprint: '' },
  Array.from({ length: 12 }, (_, index) => ({
    ...creation({ id: `id-${String(index)}` }),
    request: request(`r${String(index)}`),
  })),
);

function recentOf(count: number): RecentCommits {
  const recent = new RecentCommits(3);
  for (const commit of commits.slice(0, count)) recent.push(commit);
  return recent;
}

const revisions = (recent: RecentCommits, after: number): readonly number[] | undefined =>
  recent.after(after)?.map(({ revision }) => revision);

describe('RecentCommits', () => {
  it('answers what came after a revision, or that it does not know [W3]', () => {
    const recent = recentOf(5);
    expect(revisions(recent, 4)).toEqual([5, 6, 7, 8, 9]);
    expect(revisions(recent, 8)).toEqual([9]);
    expect(revisions(recent, 9)).toEqual([]);
    expect(revisions(recent, 3)).toBeUndefined();
    expect(revisions(recentOf(0), 4)).toBeUndefined();
  });

  it('forgets the oldest, and their requests with them, but keeps at least its limit', () => {
    for (let count = 1; count <= commits.length; count += 1) {
      const recent = recentOf(count);
      const newest = 4 + count;
      const held = Math.min(count, 3);
      expect(revisions(recent, newest - held)).toHaveLength(held);
      const first = commits.findIndex(({ revision }) => recent.reaches(revision - 1));
      for (const [index, commit] of commits.slice(0, count).entries()) {
        const answering = recent.answering(request(`r${String(index)}`));
        expect(answering).toEqual(index < first ? undefined : withoutText(commit));
      }
    }
  });

  it('holds fewer of them when they are large, but always the newest [W12]', () => {
    const one = JSON.stringify(commits[0]?.changes).length;
    const recent = new RecentCommits(1_000, { maxSize: one * 2 });
    for (const commit of commits) recent.push(commit);
    const held = commits.filter(({ revision }) => recent.at(revision) !== undefined);
    expect(held.length).toBeLessThanOrEqual(4);
    expect(held.at(-1)).toBe(commits.at(-1));
    const tiny = new RecentCommits(1_000, { maxSize: 1 });
    for (const commit of commits) tiny.push(commit);
    expect(tiny.after(commits.length + 3)).toEqual([withoutText(commits.at(-1)!)]);
    expect(tiny.answering(request('r0'))).toBeUndefined();
  });

  it('holds values without their text, and no texts of what was replaced [W12]', () => {
    const encoded = { before: 0, after: 0 };
    const counting = (key: keyof typeof encoded) =>
      Object.assign(recordOf({ id: 'a' }), {
        toJSON: () => {
          encoded[key] += 1;
          return {};
        },
      });
    const change = changeOf(counting('before'), counting('after'));
    const [commit] = placeAll({ epoch: 'e', revision: 4, fingerprint: '' }, [draftOf(change)]);
    changeJson(change);
    expect(encoded).toEqual({ before: 1, after: 1 });

    const recent = new RecentCommits(3);
    recent.push(commit!);
    expect(recent.at(5)).toMatchObject({ revision: 5, changes: [change] });
    expect(recent.at(5)).not.toHaveProperty('body');
    changeJson(change);
    expect(encoded).toEqual({ before: 2, after: 1 });
  });

  it('counts what was loaded too: a load of refused rows is large without a change [W12]', () => {
    const refused = {
      rowId: 'r',
      name: 'n',
      reason: 'ROW_BROKEN',
      message: 'x'.repeat(1_000),
    } as const;
    const load = loadOf('ana', { refused: [refused], refusedCount: 1 });
    const drafts = commits.map(() => draftOf([], { cause: 'LOAD', loads: [{ after: load }] }));
    const loads = placeAll({ epoch: 'e', revision: 4, fingerprint: '' }, drafts);
    const recent = new RecentCommits(1_000, { maxSize: 2_500 });
    for (const commit of loads) recent.push(commit);
    const held = loads.filter(({ revision }) => recent.at(revision) !== undefined);
    expect(held.length).toBeLessThanOrEqual(4);
    expect(held.at(-1)).toBe(loads.at(-1));
  });

  it('reaches back to just before its first commit', () => {
    const recent = recentOf(2);
    expect([recent.reaches(3), recent.reaches(4), recent.reaches(9)]).toEqual([false, true, true]);
    expect(recentOf(0).reaches(9)).toBe(false);
  });
});
