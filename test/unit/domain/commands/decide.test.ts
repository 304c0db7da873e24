import { describe, expect, it } from 'vitest';
import { placeCommit, positionOf, type Position } from '../../../../src/domain/commit.js';
import {
  declarationOf,
  decideCreate,
  decideDelete,
  decideUpdate,
  type Decision,
  type DecisionContext,
} from '../../../../src/domain/commands/decide.js';
import { Overlay, RecordSet } from '../../../../src/domain/record-set.js';
import type { Declaration, ServerRecord } from '../../../../src/domain/server.js';
import { grantsAt, recordOf, type RecordParts } from '../../../support/storage/builders.js';
import { reasonThrown } from '../../../support/reason-of.js';
import { OPEN_POLICY } from '../../../support/transport-policy.js';

/** A log of decisions: what is decided at its end is applied to it. */
function decisions(clock: { now: number } = { now: 1_000 }) {
  const state = new Overlay(new RecordSet());
  let after: Position = { epoch: 'epoch', revision: 0, fingerprint: '' };
  const context = (): DecisionContext => ({
    state,
    after,
    actor: 'root',
    now: clock.now,
    transportPolicy: OPEN_POLICY,
  });
  return {
    context,
    apply(decision: Decision | undefined): ServerRecord | undefined {
      if (decision === undefined) return undefined;
      const { cause, changes } = decision;
      const draft = { cause, actor: 'a', reason: '', time: clock.now, changes };
      const commit = placeCommit(draft, after);
      state.apply(commit);
      after = positionOf('epoch', commit);
      return changes[0]?.after;
    },
  };
}

const declared = (parts: RecordParts): Declaration => declarationOf(recordOf(parts));

describe('decideCreate', () => {
  it('refuses a shared name that a shared server has, of either tier [R2]', () => {
    const log = decisions();
    log.apply(decideCreate(log.context(), declared({ name: 'files', tier: 'APP' }), 'a'));
    const again = () => decideCreate(log.context(), declared({ name: 'files' }), 'b');
    expect(reasonThrown(again)).toBe('NAME_TAKEN');
  });

  it('lets owners use a name that others, or a shared server, have', () => {
    const log = decisions();
    log.apply(decideCreate(log.context(), declared({ name: 'files' }), 'a'));
    const own = (owner: string, id: string) => () =>
      log.apply(decideCreate(log.context(), declared({ name: 'files', owner }), id));
    expect(reasonThrown(own('ana', 'b'))).toBe('done');
    expect(reasonThrown(own('bob', 'c'))).toBe('done');
    expect(reasonThrown(own('ana', 'd'))).toBe('NAME_TAKEN');
  });

  it('is not hindered by a server of the name that was only granted to the owner', () => {
    const log = decisions();
    const record = recordOf({ id: 'x', name: 'files', owner: 'bob' });
    const access = { granted: grantsAt(1, 'user:ana'), revoked: [] };
    log.apply({ cause: 'CREATE', changes: [{ after: record, access }] });
    const own = () => decideCreate(log.context(), declared({ name: 'files', owner: 'ana' }), 'y');
    expect(reasonThrown(own)).toBe('done');
  });
});

describe('decideUpdate', () => {
  function withServer(parts: RecordParts = {}, clock = { now: 1_000 }) {
    const log = decisions(clock);
    const created = decideCreate(log.context(), declared({ name: 'files', ...parts }), 'id');
    const record = log.apply(created)!;
    const update = (etag: string, changed: Partial<Declaration>) =>
      decideUpdate(log.context(), {
        id: 'id',
        etag,
        apply: (before) => ({ ...before, ...changed }),
      });
    return { log, record, update };
  }

  it('demands the etag of the copy that it is made from, and tells the current one [R2]', () => {
    const { record, update } = withServer();
    try {
      update('old', { name: 'mail' });
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({
        reason: 'ETAG_MISMATCH',
        metadata: { current_etag: record.etag },
      });
    }
  });

  it('moves the etag with every change, and not the access etag', () => {
    const { log, record, update } = withServer();
    const changed = log.apply(update(record.etag, { name: 'mail' }))!;
    const back = log.apply(update(changed.etag, { name: 'files' }))!;
    expect(new Set([record.etag, changed.etag, back.etag]).size).toBe(3);
    expect(back.accessEtag).toBe(record.accessEtag);
    expect(reasonThrown(() => update(record.etag, { name: 'files' }))).toBe('ETAG_MISMATCH');
  });

  it('gives two histories that part after one state different etags [W8, R2]', () => {
    const [kept, lost] = [withServer(), withServer()];
    const [one, other] = [kept, lost].map(({ log, record, update }, index) =>
      log.apply(update(record.etag, { externalId: String(index) })),
    );
    expect(kept.record.etag).toBe(lost.record.etag);
    expect(one?.etag).not.toBe(other?.etag);
  });

  it('decides nothing where nothing changes, but only on the current etag [R4]', () => {
    const { record, update } = withServer();
    expect(update(record.etag, { spec: structuredClone(record.spec) })).toBeUndefined();
    expect(reasonThrown(() => update('old', {}))).toBe('ETAG_MISMATCH');
  });

  it('raises last_updated_at strictly, also with a clock that goes back [P6, F4]', () => {
    const clock = { now: 5_000 };
    const { log, record, update } = withServer({}, clock);
    let { etag, lastUpdatedAt } = record;
    for (const now of [5_000, 4_000, 1, 6_000, 6_000]) {
      clock.now = now;
      const next = log.apply(update(etag, { name: `n${String(lastUpdatedAt)}` }))!;
      expect(next.lastUpdatedAt).toBeGreaterThan(lastUpdatedAt);
      ({ etag, lastUpdatedAt } = next);
    }
    expect(lastUpdatedAt).toBe(6_001);
    expect(record.createTime).toBe(5_000);
  });

  it('moves the config hash with the tier, and leaves it with a title [P32]', () => {
    const { log, record, update } = withServer();
    const app = log.apply(update(record.etag, { tier: 'APP' }))!;
    expect(app.configHash).not.toBe(record.configHash);
    expect(app.scope).toBe('shared');
    const titled = log.apply(update(app.etag, { spec: { ...app.spec, title: 'x' } }))!;
    expect(titled.configHash).toBe(app.configHash);
  });

  it('does not move a server between PRIVATE and the shared tiers', () => {
    const { record, update } = withServer();
    const toPrivate = () => update(record.etag, { tier: 'PRIVATE', owner: 'ana' });
    expect(reasonThrown(toPrivate)).toBe('TIER_CHANGE_NOT_ALLOWED');
  });

  it('refuses a new name that is taken, and keeps its own', () => {
    const { log, record, update } = withServer();
    log.apply(decideCreate(log.context(), declared({ name: 'mail', tier: 'APP' }), 'other'));
    expect(reasonThrown(() => update(record.etag, { name: 'mail' }))).toBe('NAME_TAKEN');
    expect(update(record.etag, { name: 'files', externalId: 'x' })).toBeDefined();
  });

  it('refuses a transfer to an owner who has the name, and takes another', () => {
    const { log, record, update } = withServer({ owner: 'ana' });
    log.apply(decideCreate(log.context(), declared({ name: 'files', owner: 'bob' }), 'other'));
    expect(reasonThrown(() => update(record.etag, { owner: 'bob' }))).toBe('NAME_TAKEN');
    expect(update(record.etag, { owner: 'zoe' })?.changes[0]?.after?.owner).toBe('zoe');
  });

  it('checks what it would write before it compares', () => {
    const { record, update } = withServer();
    expect(reasonThrown(() => update(record.etag, { name: 'a/b' }))).toBe('INVALID_FIELD');
  });
});

describe('decideDelete', () => {
  it('takes the grants away with the record, so that it can be undone [P4]', () => {
    const log = decisions();
    const record = recordOf({ id: 'x', owner: 'bob' });
    const granted = grantsAt(1, 'group:dev', 'user:ana');
    log.apply({ cause: 'CREATE', changes: [{ after: record, access: { granted, revoked: [] } }] });
    const { changes } = decideDelete(log.context(), { id: 'x', etag: record.etag });
    expect(changes).toEqual([{ before: record, access: { granted: [], revoked: granted } }]);
    expect(reasonThrown(() => decideDelete(log.context(), { id: 'x', etag: '?' }))).toBe(
      'ETAG_MISMATCH',
    );
    expect(reasonThrown(() => decideDelete(log.context(), { id: 'y', etag: '?' }))).toBe(
      'SERVER_NOT_FOUND',
    );
  });
});
