import fc from 'fast-check';
import type { SourceRecord } from '../../../src/domain/source-record.js';
import { describe, expect, it } from 'vitest';
import {
  applyChange,
  chainFingerprint,
  decodeCommit,
  follows,
  changedId,
  placeCommit,
  undoChange,
  type AccessChange,
  type Change,
  type CommitDraft,
  type Position,
} from '../../../src/domain/commit.js';
import { digestText } from '../../../src/domain/digest.js';
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
  const fingerprintOf = (of: CommitDraft, at = start): string => placeCommit(of, at).fingerprint;

  it('depends on all of the commit and on all that came before [W8, P30]', () => {
    const [first, second] = [loadOf('ana'), loadOf('ana', { revision: 2 })];
    const prints = [
      fingerprintOf(draft),
      fingerprintOf(draft, { ...start, epoch: 'other' }),
      fingerprintOf(draft, { ...start, revision: 1 }),
      fingerprintOf(draft, { ...start, fingerprint: 'x' }),
      fingerprintOf({ ...draft, reason: 'x' }),
      fingerprintOf({ ...draft, actor: 'x' }),
      fingerprintOf({ ...draft, time: 1 }),
      fingerprintOf({ ...draft, cause: 'UPDATE' }),
      fingerprintOf(draftOf(changeOf(undefined, recordOf({ id: 'y' })))),
      fingerprintOf({ ...draft, request: { principal: 'a', requestId: 'b', bodyDigest: 'c' } }),
      fingerprintOf({ ...draft, loads: [] }),
      fingerprintOf({ ...draft, loads: [{ after: first }] }),
      fingerprintOf({ ...draft, loads: [{ after: second }] }),
      fingerprintOf({ ...draft, loads: [{ before: first, after: second }] }),
      fingerprintOf({ ...draft, loads: [{ after: first }, { after: loadOf('bob') }] }),
    ];
    expect(new Set(prints).size).toBe(prints.length);
  });

  it('covers the change of the private source [P30, P36]', () => {
    const source = (name: string): SourceRecord => ({
      name,
      namespace: 'crm',
      state: 'active',
      formerNames: [],
      revision: 1,
    });
    const prints = [
      fingerprintOf(draft, start),
      fingerprintOf({ ...draft, source: { after: source('crm') } }, start),
      fingerprintOf({ ...draft, source: { after: source('hub') } }, start),
      fingerprintOf({ ...draft, source: { before: source('a'), after: source('hub') } }, start),
    ];
    expect(new Set(prints).size).toBe(prints.length);
  });

  it('is over the place and the bytes of the body, and nothing else [P30]', () => {
    const place = { epoch: 'epoch', revision: 8, fingerprint: 'before' };
    const { body, fingerprint } = placeCommit(draft, place);
    expect(fingerprint).toBe(digestText('commit', 'epoch', 'before', '8', body));
    expect(body).not.toContain('"fingerprint"');
  });

  it('of a commit with fields that only a newer version knows is verified [P30]', () => {
    const { body } = placeCommit(draft, start);
    const newer = JSON.stringify({ ...(JSON.parse(body) as object), ticket: 'OPS-1' });
    const encoded = { revision: 1, fingerprint: chainFingerprint(start, newer), body: newer };
    expect(follows(start, decodeCommit(encoded))).toBe(true);
    expect(decodeCommit(encoded).body).toBe(newer);
    const forged = { ...encoded, body: newer.replace('OPS-1', 'OPS-2') };
    expect(follows(start, decodeCommit(forged))).toBe(false);
    expect(follows({ ...start, revision: 1 }, decodeCommit(encoded))).toBe(false);
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
