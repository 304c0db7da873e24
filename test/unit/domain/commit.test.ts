import fc from 'fast-check';
import type { SourceRecord } from '../../../src/domain/source-record.js';
import { describe, expect, it } from 'vitest';
import {
  applyChange,
  chainFingerprint,
  changedId,
  placeCommit,
  positionOf,
  undoChange,
  type AccessChange,
  type Change,
  type CommitDraft,
  type Position,
} from '../../../src/domain/commit.js';
import type { Grant, StoredServer } from '../../../src/domain/server.js';
import { arbitraryGrants, arbitraryServer } from '../../support/history/arbitraries.js';
import { loadOf } from '../../support/loads/loads.js';
import { changeOf, draftOf, recordOf } from '../../support/storage/builders.js';

const start: Position = { epoch: 'epoch', revision: 0, fingerprint: '' };

/** What takes one list of grants to another; those in both keep their revision (rule 4). */
function difference(before: readonly Grant[], after: readonly Grant[]): AccessChange {
  const subjects = (grants: readonly Grant[]) => new Set(grants.map(({ subject }) => subject));
  const [had, has] = [subjects(before), subjects(after)];
  return {
    granted: after.filter(({ subject }) => !had.has(subject)),
    revoked: before.filter(({ subject }) => !has.has(subject)),
  };
}

describe('applyChange and undoChange', () => {
  const arbitraryPair = fc.tuple(arbitraryServer('x'), arbitraryServer('x'), arbitraryGrants);

  it('are inverse for updates with and without access, creates and deletes [P4]', () => {
    fc.assert(
      fc.property(arbitraryPair, ([before, { record }, grants]) => {
        const withAccess: Change = {
          before: before.record,
          after: record,
          access: difference(before.grants, grants),
        };
        const plain: Change = { before: before.record, after: record };
        for (const change of [withAccess, plain]) {
          expect(undoChange(applyChange(before, change), change)).toEqual(before);
        }
        const created: Change = { after: record, access: { granted: grants, revoked: [] } };
        expect(applyChange(undefined, created)).toEqual({ record, grants });
        expect(undoChange(applyChange(undefined, created), created)).toBeUndefined();
        const access = { granted: [], revoked: before.grants };
        const deleted: Change = { before: before.record, access };
        expect(applyChange(before, deleted)).toBeUndefined();
        expect(undoChange(undefined, deleted)).toEqual(before);
      }),
    );
  });

  it('keep the revision of a grant that stays when a list is replaced [P4]', () => {
    fc.assert(
      fc.property(arbitraryServer('x'), arbitraryGrants, (server, grants) => {
        const access = difference(server.grants, grants);
        const after = applyChange(server, { before: server.record, after: server.record, access })!;
        for (const { subject, revision } of after.grants) {
          const kept = server.grants.find((grant) => grant.subject === subject);
          if (kept !== undefined) expect(revision).toBe(kept.revision);
        }
        const subjects = after.grants.map(({ subject }) => subject);
        expect(subjects).toEqual(grants.map(({ subject }) => subject));
        expect(subjects).toEqual([...subjects].sort());
      }),
    );
  });

  it('take any run of changes back to where it began, newest first [P4, P17]', () => {
    const step = fc.tuple(arbitraryServer('x'), arbitraryGrants, fc.boolean());
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let server: StoredServer | undefined;
        const states: (StoredServer | undefined)[] = [];
        const changes: Change[] = [];
        for (const [{ record }, grants, isDelete] of steps) {
          const access = difference(server?.grants ?? [], isDelete ? [] : grants);
          const change = changeOf(server?.record, isDelete ? undefined : record, access);
          if (change.before === undefined && change.after === undefined) continue;
          states.push(server);
          changes.push(change);
          server = applyChange(server, change);
        }
        for (const change of changes.toReversed()) {
          server = undoChange(server, change);
          expect(server).toEqual(states.pop());
        }
      }),
    );
  });
});

describe('a fingerprint', () => {
  const draft = draftOf(changeOf(undefined, recordOf({ id: 'x' })));

  it('depends on all of the commit and on all that came before [W8, P30]', () => {
    const prints = [
      chainFingerprint(draft, start),
      chainFingerprint(draft, { ...start, epoch: 'other' }),
      chainFingerprint(draft, { ...start, revision: 1 }),
      chainFingerprint(draft, { ...start, fingerprint: 'x' }),
      chainFingerprint({ ...draft, reason: 'x' }, start),
      chainFingerprint({ ...draft, actor: 'x' }, start),
      chainFingerprint({ ...draft, time: 1 }, start),
      chainFingerprint({ ...draft, cause: 'UPDATE' }, start),
      chainFingerprint(draftOf(changeOf(undefined, recordOf({ id: 'y' }))), start),
      chainFingerprint(
        { ...draft, request: { principal: 'a', requestId: 'b', bodyDigest: 'c' } },
        start,
      ),
    ];
    expect(new Set(prints).size).toBe(prints.length);
  });

  it('of a commit without loads is what it was before there were loads', () => {
    // Digests of the log of a version that knew no loads: nothing here is built by helpers.
    const server = { id: 'srv-1', name: 'files', tier: 'PRIVATE', owner: 'ana', revision: 7 };
    const access = { granted: [], revoked: [{ subject: 'group:dev', revision: 7 }] };
    const old = {
      ...{ cause: 'DELETE', actor: 'ops', reason: 'gone', time: 1_700_000_000_000 },
      changes: [{ before: server, access }],
    } as unknown as CommitDraft;
    const request = { principal: 'p', requestId: 'r', bodyDigest: 'd' };
    const place = { epoch: 'epoch', revision: 8, fingerprint: 'before' };
    expect(chainFingerprint(old, place)).toBe('yZ9DkukQbiquwoUl6k4Uzg');
    expect(chainFingerprint({ ...old, request }, place)).toBe('zHBl7OPkAZh2n7OkRKqwxg');
  });

  it('covers the load records that the commit touches [P30]', () => {
    const [first, second] = [loadOf('ana'), loadOf('ana', { revision: 2 })];
    const prints = [
      chainFingerprint(draft, start),
      chainFingerprint({ ...draft, loads: [] }, start),
      chainFingerprint({ ...draft, loads: [{ after: first }] }, start),
      chainFingerprint({ ...draft, loads: [{ after: second }] }, start),
      chainFingerprint({ ...draft, loads: [{ before: first, after: second }] }, start),
      chainFingerprint({ ...draft, loads: [{ after: loadOf('bob') }] }, start),
      chainFingerprint({ ...draft, loads: [{ after: first }, { after: loadOf('bob') }] }, start),
    ];
    expect(new Set(prints).size).toBe(prints.length);
  });

  it('covers the change of the private source [P30, P36]', () => {
    const source = (name: string): SourceRecord => ({
      ...{ name, namespace: 'crm', state: 'active', formerNames: [], revision: 1 },
    });
    const prints = [
      chainFingerprint(draft, start),
      chainFingerprint({ ...draft, source: { after: source('crm') } }, start),
      chainFingerprint({ ...draft, source: { after: source('hub') } }, start),
      chainFingerprint({ ...draft, source: { before: source('a'), after: source('hub') } }, start),
    ];
    expect(new Set(prints).size).toBe(prints.length);
  });

  it.each([
    ['without loads', draft],
    ['with loads', { ...draft, loads: [{ before: loadOf('ana'), after: loadOf('ana') }] }],
  ])('is the same for a commit that was stored and read again, %s', (_what, stored) => {
    const commit = placeCommit(stored, start);
    expect(commit.loads).toEqual(stored.loads);
    const read = JSON.parse(JSON.stringify(commit)) as typeof commit;
    expect(chainFingerprint(read, start)).toBe(commit.fingerprint);
    expect(positionOf('epoch', commit)).toEqual({
      epoch: 'epoch',
      revision: 1,
      fingerprint: commit.fingerprint,
    });
  });
});

describe('changedId', () => {
  it('is that of whichever side there is', () => {
    const record = recordOf({ id: 'x' });
    expect(changedId({ after: record })).toBe('x');
    expect(changedId({ before: record })).toBe('x');
    expect(() => changedId({})).toThrow();
  });
});
