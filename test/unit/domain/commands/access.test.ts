import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyChange, undoChange } from '../../../../src/domain/commit.js';
import {
  decideGrantAccess,
  decideRevokeAccess,
  decideSetAccess,
} from '../../../../src/domain/commands/access.js';
import type { Decision } from '../../../../src/domain/commands/decide.js';
import { MAX_GRANTS } from '../../../../src/domain/subjects.js';
import type { Subject } from '../../../../src/domain/view.js';
import { decisionLog, refusalOf } from '../../../support/commits/decisions.js';
import { SUBJECTS } from '../../../support/history/arbitraries.js';
import { grantsAt, recordOf } from '../../../support/storage/builders.js';

const ID = 'x';
const many = (count: number): readonly Subject[] =>
  Array.from({ length: count }, (_, at): Subject => `user:u${String(10_000 + at)}`);

/** A server of Bob that was granted to the subjects at revision 1. */
function granted(...subjects: readonly Subject[]) {
  const log = decisionLog();
  log.put(recordOf({ id: ID, owner: 'bob', revision: 1 }), grantsAt(1, ...subjects));
  const etag = () => log.server(ID).record.accessEtag;
  const set = (list: readonly Subject[], accessEtag = etag()): Decision | undefined =>
    decideSetAccess(log.context(), { id: ID, subjects: list, accessEtag });
  const grant = (...list: readonly Subject[]) =>
    decideGrantAccess(log.context(), { id: ID, subjects: list });
  const revoke = (...list: readonly Subject[]) =>
    decideRevokeAccess(log.context(), { id: ID, subjects: list });
  return { log, set, grant, revoke, etag };
}

describe('a whole access list', () => {
  it('replaces the one before; who stays keeps the revision of the grant [P4]', () => {
    const { log, set } = granted('user:ana', 'group:dev');
    const decision = set(['group:dev', 'user:zoe']);
    expect(decision).toMatchObject({
      cause: 'ACCESS',
      changes: [{ access: { granted: grantsAt(2, 'user:zoe'), revoked: grantsAt(1, 'user:ana') } }],
    });
    log.apply(decision);
    expect(log.server(ID).grants).toEqual([
      { subject: 'group:dev', revision: 1 },
      { subject: 'user:zoe', revision: 2 },
    ]);
  });

  it('moves the access etag and the revision, and nothing that people declare', () => {
    const { log, set } = granted('user:ana');
    const before = log.server(ID).record;
    const { accessEtag, revision, ...rest } = log.apply(set([]))!;
    expect(accessEtag).not.toBe(before.accessEtag);
    expect(revision).toBe(2);
    const { accessEtag: _etag, revision: _revision, ...old } = before;
    expect(rest).toEqual(old);
    const emptied = log.apply(set(['user:ana']))!;
    expect(emptied.accessEtag).not.toBe(before.accessEtag);
  });

  it('demands the access etag of the copy that it is made from, and tells it [R2]', () => {
    const { set, etag } = granted('user:ana');
    try {
      set([], 'old');
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({
        reason: 'ETAG_MISMATCH',
        metadata: { id: ID, current_access_etag: etag() },
      });
    }
  });

  it('that is there already decides nothing, but only on the current etag [R4]', () => {
    const { set } = granted('group:dev', 'user:ana');
    expect(set(['group:dev', 'user:ana'])).toBeUndefined();
    // The owner has access without a grant.
    expect(set(['group:dev', 'user:ana', 'user:bob'])).toBeUndefined();
    expect(refusalOf(() => set(['group:dev', 'user:ana'], 'old'))).toBe('ETAG_MISMATCH');
  });

  it('of 10,000 in the place of another one is one change, and can be undone [P4]', () => {
    const [before, after] = [many(10_000), many(10_001).slice(1)];
    const { log, set } = granted(...before);
    const server = log.server(ID);
    const [change] = set(after)!.changes;
    expect(change?.access?.granted).toHaveLength(1);
    expect(change?.access?.revoked).toHaveLength(1);
    const changed = applyChange(server, change!);
    expect(changed?.grants.map(({ subject }) => subject)).toEqual(after);
    expect(undoChange(changed, change!)).toEqual(server);
  });
});

describe('granting and revoking', () => {
  it('need no etag, and touch only whom they name [P14]', () => {
    const { log, grant, revoke } = granted('group:dev');
    log.apply(grant('group:dev', 'user:ana', 'user:zoe'));
    expect(log.server(ID).grants).toEqual([
      { subject: 'group:dev', revision: 1 },
      ...grantsAt(2, 'user:ana', 'user:zoe'),
    ]);
    log.apply(revoke('group:dev', 'user:eve', 'user:zoe'));
    expect(log.server(ID).grants).toEqual(grantsAt(2, 'user:ana'));
  });

  it('decide nothing for those who have it, the owner too, or have it not [R4]', () => {
    const { grant, revoke } = granted('group:dev');
    expect(grant('group:dev', 'user:bob')).toBeUndefined();
    expect(revoke('user:ana', 'user:bob')).toBeUndefined();
  });

  it('stop at 10,000 in all', () => {
    const full = granted(...many(MAX_GRANTS));
    expect(refusalOf(() => full.grant('user:ana'))).toBe('TOO_MANY_GRANTS');
    expect(full.grant(...many(3))).toBeUndefined();
    expect(full.revoke(...many(MAX_GRANTS))?.changes[0]?.access?.revoked).toHaveLength(MAX_GRANTS);
    const almost = granted(...many(MAX_GRANTS - 1));
    expect(almost.grant('user:ana')).toBeDefined();
    expect(refusalOf(() => almost.grant('user:ana', 'user:zoe'))).toBe('TOO_MANY_GRANTS');
  });

  it('lead to the list that setting it at once leads to', () => {
    const others = SUBJECTS.filter((subject) => subject !== 'user:bob');
    const lists = fc.tuple(fc.subarray(others), fc.subarray(others));
    fc.assert(
      fc.property(lists, ([old, wanted]) => {
        const [one, other] = [granted(...old), granted(...old)];
        one.log.apply(one.set(wanted));
        other.log.apply(other.revoke(...old.filter((subject) => !wanted.includes(subject))));
        other.log.apply(other.grant(...wanted));
        const list = ({ log }: typeof one) => log.server(ID).grants.map(({ subject }) => subject);
        expect(list(one)).toEqual(list(other));
        expect(list(one)).toEqual(wanted.toSorted());
      }),
    );
  });
});

describe('the access to a server that has none of its own', () => {
  const all = (log: ReturnType<typeof decisionLog>) => [
    () => decideSetAccess(log.context(), { id: ID, subjects: [], accessEtag: '?' }),
    () => decideGrantAccess(log.context(), { id: ID, subjects: ['user:ana'] }),
    () => decideRevokeAccess(log.context(), { id: ID, subjects: ['user:ana'] }),
  ];

  it('is refused: a shared one, one of a private source, one that is not', () => {
    for (const tier of ['APP', 'USER'] as const) {
      const log = decisionLog();
      log.put(recordOf({ id: ID, tier }));
      for (const decide of all(log)) expect(refusalOf(decide)).toBe('WRONG_TIER');
    }
    const managed = decisionLog();
    managed.put({ ...recordOf({ id: ID, owner: 'ana' }), privateSource: 'db' });
    for (const decide of all(managed)) expect(refusalOf(decide)).toBe('MANAGED_BY_SOURCE');
    for (const decide of all(decisionLog())) expect(refusalOf(decide)).toBe('SERVER_NOT_FOUND');
  });
});
