import { describe, expect, it } from 'vitest';
import { placeCommit, type Change, type Commit } from '../../../../src/domain/commit.js';
import type { DecisionContext } from '../../../../src/domain/commands/decide.js';
import { versionOf } from '../../../../src/domain/projection/project-change.js';
import { RecordSet } from '../../../../src/domain/record-set.js';
import { decideRollback, decideUndelete } from '../../../../src/domain/commands/restore.js';
import type { ServerRecord, ServerVersion, StoredServer } from '../../../../src/domain/server.js';
import { draftOf, grantsAt, recordOf } from '../../../support/storage/builders.js';
import { reasonThrown } from '../../../support/reason-of.js';
import { OPEN_POLICY } from '../../../support/transport-policy.js';

const AFTER = { epoch: 'e', revision: 20, fingerprint: 'f' };

function context(now: number, ...servers: readonly StoredServer[]): DecisionContext {
  const state = new RecordSet();
  for (const server of servers) state.put(server);
  return { state, after: AFTER, actor: 'root', now, transportPolicy: OPEN_POLICY };
}

const commitOf = (change: Change): Commit => placeCommit(draftOf(change), AFTER);

function version(change: Change): ServerVersion {
  const made = versionOf(commitOf(change), change);
  if (made === undefined) throw new Error('no version');
  return made;
}

const alone = (record: ServerRecord): StoredServer => ({ record, grants: [] });

describe('decideRollback', () => {
  const first = recordOf({ id: 'x', name: 'files', title: 'first', generation: 1 });
  const current: ServerRecord = {
    ...recordOf({ id: 'x', name: 'docs', title: 'now', generation: 5, set: 'a.yaml' }),
    facts: { oauthNeed: 'no' },
    factsEtag: 'known',
    lastUpdatedAt: 9_000,
  };
  const to = (target: ServerVersion | undefined, etag = current.etag) => ({
    id: 'x',
    etag,
    version: target,
  });

  it('declares the old version anew: a new one, of the set that it has now', () => {
    const target = version({ after: first });
    const decision = decideRollback(context(1, alone(current)), to(target));
    const after = decision?.changes[0]?.after;
    expect(decision).toMatchObject({ cause: 'ROLLBACK', changes: [{ before: current }] });
    expect(after).toMatchObject({
      id: 'x',
      name: 'files',
      spec: { title: 'first' },
      set: 'a.yaml',
      generation: 6,
      facts: current.facts,
      factsEtag: current.factsEtag,
      revision: 21,
      // The clock is behind.
      lastUpdatedAt: 9_001,
    });
    expect([first.etag, current.etag]).not.toContain(after?.etag);
  });

  it('changes nothing where nothing effective differs [R4]', () => {
    const same = version({ after: { ...current, set: 'another one then' } });
    expect(decideRollback(context(1, alone(current)), to(same))).toBeUndefined();
    const stale = (): unknown => decideRollback(context(1, alone(current)), to(same, 'old'));
    expect(reasonThrown(stale)).toBe('ETAG_MISMATCH');
  });

  it('refuses a version that is none, a deletion, a deleted server', () => {
    const at = context(1, alone(current));
    expect(reasonThrown(() => decideRollback(at, to(undefined)))).toBe('VERSION_NOT_FOUND');
    const deletion = version({ before: first });
    expect(reasonThrown(() => decideRollback(at, to(deletion)))).toBe('VERSION_NOT_FOUND');
    const gone = (): unknown => decideRollback(context(1), to(deletion));
    expect(reasonThrown(gone)).toBe('SERVER_NOT_FOUND');
  });

  it('neither crosses between PRIVATE and shared nor takes a name that another has', () => {
    const own = version({ after: recordOf({ id: 'x', name: 'files', owner: 'ana' }) });
    const at = context(1, alone(current));
    expect(reasonThrown(() => decideRollback(at, to(own)))).toBe('TIER_CHANGE_NOT_ALLOWED');
    const taken = context(1, alone(current), alone(recordOf({ id: 'y', name: 'files' })));
    const back = (): unknown => decideRollback(taken, to(version({ after: first })));
    expect(reasonThrown(back)).toBe('NAME_TAKEN');
  });
});

describe('decideUndelete', () => {
  const last: ServerRecord = {
    ...recordOf({ id: 'x', name: 'files', owner: 'ana', generation: 3, set: 'a.yaml' }),
    facts: { oauthNeed: 'yes' },
    factsEtag: 'known',
    lastUpdatedAt: 9_000,
  };
  const revoked = grantsAt(4, 'group:dev', 'user:bob');
  const versions = [
    version({ before: last, access: { granted: [], revoked } }),
    version({ after: last }),
  ];

  it('puts back what was declared, under the id, with the grants as of now', () => {
    const { cause, changes } = decideUndelete(context(1, ...[]), { id: 'x', versions });
    const [change] = changes;
    expect(cause).toBe('UNDELETE');
    expect(change?.before).toBeUndefined();
    expect(change?.access).toEqual({ granted: grantsAt(21, 'group:dev', 'user:bob'), revoked: [] });
    const { facts: _facts, etag, accessEtag, ...kept } = last;
    const { etag: newEtag, accessEtag: newAccessEtag, ...after } = change!.after!;
    expect(after).toEqual({
      ...kept,
      generation: 5,
      factsEtag: '',
      revision: 21,
      // When it was made is known; the clock is behind when it was last changed.
      lastUpdatedAt: 9_001,
    });
    expect([etag, newEtag, accessEtag, newAccessEtag].length).toBe(
      new Set([etag, newEtag, accessEtag, newAccessEtag]).size,
    );
  });

  it('takes the time of the commit where that is later [P6]', () => {
    const { changes } = decideUndelete(context(10_000), { id: 'x', versions });
    expect(changes[0]?.after).toMatchObject({ lastUpdatedAt: 10_000, createTime: last.createTime });
  });

  it('refuses what is there, what never was, and a name that is taken meanwhile', () => {
    const there = (): unknown => decideUndelete(context(1, alone(last)), { id: 'x', versions });
    expect(reasonThrown(there)).toBe('NOT_DELETED');
    const never = (): unknown => decideUndelete(context(1), { id: 'x', versions: [] });
    expect(reasonThrown(never)).toBe('SERVER_NOT_FOUND');
    const other = alone(recordOf({ id: 'y', name: 'files', owner: 'ana' }));
    const taken = (): unknown => decideUndelete(context(1, other), { id: 'x', versions });
    expect(reasonThrown(taken)).toBe('NAME_TAKEN');
    const bobs = alone(recordOf({ id: 'y', name: 'files', owner: 'bob' }));
    expect(reasonThrown(() => decideUndelete(context(1, bobs), { id: 'x', versions }))).toBe(
      'done',
    );
  });
});
