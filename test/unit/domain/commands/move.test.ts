import { describe, expect, it } from 'vitest';
import { applyChange, undoChange } from '../../../../src/domain/commit.js';
import {
  decideDelete,
  decideUpdate,
  declarationOf,
  type DecisionContext,
} from '../../../../src/domain/commands/decide.js';
import {
  decideDemote,
  decidePromote,
  type DemoteIntent,
  type PromoteIntent,
} from '../../../../src/domain/commands/move.js';
import { hiddenBy } from '../../../../src/domain/commands/shadow.js';
import { isSwitchboardError } from '../../../../src/domain/errors.js';
import { versionOf } from '../../../../src/domain/projection/project-change.js';
import { decideRollback, decideUndelete } from '../../../../src/domain/commands/restore.js';
import type {
  Grant,
  ServerRecord,
  ServerVersion,
  StoredServer,
} from '../../../../src/domain/server.js';
import { SPEC_DEFAULTS, type ServerSpec } from '../../../../src/domain/config/spec.js';
import { decisionLog, refusalOf } from '../../../support/commits/decisions.js';
import { grantsAt, recordOf, type RecordParts } from '../../../support/storage/builders.js';

const ID = 'x';
const spec = (url: string): ServerSpec => ({
  ...SPEC_DEFAULTS,
  transport: { kind: 'streamable_http', url, headers: {} },
});

function withServer(parts: RecordParts, grants: readonly Grant[] = [], more: object = {}) {
  const log = decisionLog();
  log.put({ ...recordOf({ id: ID, name: 'files', revision: 1, ...parts }), ...more }, grants);
  const etag = (): string => log.server(ID).record.etag;
  const promote = (intent: Partial<PromoteIntent> = {}) =>
    decidePromote(log.context(), {
      id: ID,
      etag: etag(),
      tier: 'USER',
      policy: 'fail',
      named: [],
      copyId: 'copy',
      ...intent,
    });
  const demote = (intent: Partial<DemoteIntent> = {}) =>
    decideDemote(log.context(), { id: ID, etag: etag(), owner: 'ana', subjects: [], ...intent });
  return { log, promote, demote };
}

const stored = (record: ServerRecord, grants: readonly Grant[] = []): StoredServer => ({
  record,
  grants,
});

describe('a promotion', () => {
  const grants = grantsAt(1, 'group:dev', 'user:zoe');

  it('keeps the id, ends ownership and grants, and moves all etags [R5]', () => {
    const { log, promote } = withServer({ owner: 'ana' }, grants);
    const before = log.server(ID);
    const decision = promote({ tier: 'APP', spec: spec('https://new.example/mcp') });
    expect(decision.cause).toBe('PROMOTE');
    const [change] = decision.changes;
    expect(change?.access).toEqual({ granted: [], revoked: grants });
    const after = log.apply(decision)!;
    expect(after).toMatchObject({ id: ID, name: 'files', tier: 'APP', scope: 'shared' });
    expect(after).toMatchObject({ generation: before.record.generation + 1, revision: 2 });
    expect(after.spec.transport).toMatchObject({ url: 'https://new.example/mcp' });
    expect(after.owner).toBeUndefined();
    expect(after.lastUpdatedAt).toBeGreaterThan(before.record.lastUpdatedAt);
    for (const key of ['etag', 'accessEtag', 'configHash'] as const)
      expect(after[key]).not.toBe(before.record[key]);
    expect(log.server(ID).grants).toEqual([]);
    expect(undoChange(applyChange(before, change!), change!)).toEqual(before);
  });

  it('is refused where a shared server has the name, or it is shared, or on an old etag', () => {
    const { log, promote } = withServer({ owner: 'ana' });
    expect(refusalOf(() => promote({ etag: 'old' }))).toBe('ETAG_MISMATCH');
    expect(refusalOf(() => promote({ id: 'never' }))).toBe('SERVER_NOT_FOUND');
    log.put(recordOf({ id: 'y', name: 'files' }));
    expect(refusalOf(() => promote({ policy: 'shadow' }))).toBe('NAME_TAKEN');
    expect(refusalOf(() => withServer({ tier: 'APP' }).promote())).toBe('WRONG_TIER');
  });

  it('that would hide servers of others is refused or not, as asked', () => {
    const { log, promote } = withServer({ owner: 'ana' });
    const bobs = recordOf({ id: 'y', name: 'files', owner: 'bob' });
    const named = [log.server(ID), stored(bobs)];
    try {
      promote({ named });
      expect.unreachable();
    } catch (error) {
      if (!isSwitchboardError(error, 'WOULD_SHADOW')) throw error;
      expect(error.metadata).toEqual({ id: 'y', owner: 'bob', count: '1' });
    }
    expect(promote({ named, policy: 'shadow' }).changes).toHaveLength(1);
    expect(promote({ named: [log.server(ID)] }).changes).toHaveLength(1);
    expect(hiddenBy(ID, named)).toEqual([bobs]);
  });

  it('checks the rules of the new tier, with paths of the request [D36]', () => {
    const own = spec('https://mcp.example/${user:id}');
    const { promote } = withServer({ owner: 'ana', spec: own });
    const fields = (intent: Partial<PromoteIntent>): readonly string[] => {
      try {
        promote(intent);
        return [];
      } catch (error) {
        if (!isSwitchboardError(error, 'INVALID_FIELD')) throw error;
        return error.violations.map(({ field }) => field);
      }
    };
    expect(fields({ tier: 'APP' })).toEqual(['tier']);
    expect(fields({ tier: 'USER' })).toEqual([]);
    expect(fields({ spec: spec('') })).toEqual(['spec.streamable_http.url']);
    expect(fields({ tier: 'APP', spec: spec('https://mcp.example/') })).toEqual([]);
  });

  it('of a server of a private source makes a copy, and leaves it alone [P28]', () => {
    const managed = { privateSource: 'db', externalId: 'row-7' };
    const { log, promote } = withServer({ owner: 'ana' }, grants, managed);
    const before = log.server(ID);
    const copy = log.apply(promote({ named: [before] }))!;
    expect(copy).toMatchObject({ id: 'copy', name: 'files', tier: 'USER', externalId: '' });
    expect(copy).toMatchObject({ generation: 1, spec: before.record.spec });
    expect(copy).not.toHaveProperty('privateSource');
    expect(copy).not.toHaveProperty('owner');
    expect(log.server(ID)).toBe(before);
    // The original is still in the way of one that is to be Ana's.
    const demote = (intent: Partial<DemoteIntent>) => () =>
      decideDemote(log.context(), {
        id: 'copy',
        etag: copy.etag,
        owner: 'ana',
        subjects: [],
        ...intent,
      });
    expect(refusalOf(demote({}))).toBe('NAME_TAKEN');
    expect(refusalOf(demote({ name: 'files-2' }))).toBeUndefined();
    expect(refusalOf(demote({ owner: 'bob' }))).toBeUndefined();
  });
});

describe('a demotion', () => {
  it('gives the server an owner, and access to whom it names [R5, P4]', () => {
    const { log, demote } = withServer({ tier: 'APP' });
    const before = log.server(ID);
    const subjects = ['group:dev', 'user:ana', 'user:zoe'] as const;
    const decision = demote({ subjects });
    expect(decision.cause).toBe('DEMOTE');
    const after = log.apply(decision)!;
    expect(after).toMatchObject({ id: ID, tier: 'PRIVATE', owner: 'ana', scope: 'user' });
    // The owner needs none.
    expect(log.server(ID).grants).toEqual(grantsAt(2, 'group:dev', 'user:zoe'));
    for (const key of ['etag', 'accessEtag', 'configHash'] as const)
      expect(after[key]).not.toBe(before.record[key]);
    const [change] = decision.changes;
    expect(undoChange(applyChange(before, change!), change!)).toEqual(before);
  });

  it('may rename it and change its spec in the same step', () => {
    const { log, demote } = withServer({ tier: 'USER' });
    log.put(recordOf({ id: 'y', name: 'files', owner: 'ana' }));
    expect(refusalOf(() => demote())).toBe('NAME_TAKEN');
    const after = log.apply(demote({ name: 'mine', spec: spec('https://b.example/') }))!;
    expect(after).toMatchObject({
      name: 'mine',
      spec: { transport: { url: 'https://b.example/' } },
    });
  });

  it('is refused of a private server, on an old etag, and for what a PRIVATE one may not', () => {
    expect(refusalOf(() => withServer({ owner: 'ana' }).demote())).toBe('WRONG_TIER');
    const { demote } = withServer({ spec: spec('https://${env:HOST}/') });
    expect(refusalOf(() => demote({ etag: 'old' }))).toBe('ETAG_MISMATCH');
    expect(refusalOf(() => demote())).toBe('INVALID_FIELD');
    expect(refusalOf(() => demote({ spec: spec('https://a.example/') }))).toBeUndefined();
    expect(refusalOf(() => withServer({}).demote({ owner: ' ' }))).toBe('INVALID_FIELD');
    expect(refusalOf(() => withServer({}).demote({ name: 'a/b' }))).toBe('INVALID_FIELD');
  });
});

describe('the history of a server that moved', () => {
  const versionFrom = (
    log: ReturnType<typeof decisionLog>,
    decision: Parameters<typeof log.apply>[0],
  ) => {
    const place = log.context().after;
    const commit = { ...decision!, actor: 'a', reason: '', time: 1, revision: place.revision + 1 };
    log.apply(decision);
    return versionOf({ ...commit, fingerprint: '' }, decision!.changes[0]!)!;
  };

  it('has a version of each move, and no rollback leads across one', () => {
    const { log, promote, demote } = withServer({ owner: 'ana' }, grantsAt(1, 'user:zoe'));
    const { generation } = log.server(ID).record;
    const first: ServerVersion = {
      ...versionFrom(log, promote()),
      generation,
      declared: declarationOf(recordOf({ id: ID, name: 'files', owner: 'ana' })),
    };
    const shared: ServerVersion = {
      ...first,
      generation: generation + 1,
      declared: declarationOf(log.server(ID).record),
    };
    const back = (version: ServerVersion) => () =>
      decideRollback(log.context(), { id: ID, etag: log.server(ID).record.etag, version });
    expect(refusalOf(back(first))).toBe('TIER_CHANGE_NOT_ALLOWED');
    const demoted = versionFrom(log, demote({ owner: 'bob', subjects: ['user:ana'] }));
    expect(demoted).toMatchObject({ cause: 'DEMOTE', generation: generation + 2, grants: [] });
    expect(refusalOf(back(shared))).toBe('TIER_CHANGE_NOT_ALLOWED');
    // Back to Ana, who then needs her grant no longer.
    const change = back(first)()?.changes[0];
    expect(change).toMatchObject({ after: { owner: 'ana' } });
    expect(change?.access).toEqual({ granted: [], revoked: grantsAt(3, 'user:ana') });
  });

  it('puts a deleted one back in the tier that it had last, with the grants of then', () => {
    const { log, demote } = withServer({ tier: 'APP' });
    const last = versionFrom(log, demote({ subjects: ['user:zoe'] }));
    const { etag } = log.server(ID).record;
    const deletion = versionFrom(log, decideDelete(log.context(), { id: ID, etag }));
    const versions = [deletion, last];
    const undelete = (at: DecisionContext) => decideUndelete(at, { id: ID, versions });
    expect(log.apply(undelete(log.context()))).toMatchObject({ tier: 'PRIVATE', owner: 'ana' });
    expect(log.server(ID).grants).toEqual(grantsAt(4, 'user:zoe'));
  });
});

describe('a transfer', () => {
  it('drops the grant of the new owner, and leaves the others their revisions [P4]', () => {
    const { log } = withServer({ owner: 'ana' }, grantsAt(1, 'user:bob', 'user:zoe'));
    const { etag, accessEtag } = log.server(ID).record;
    const to = (owner: string) =>
      decideUpdate(log.context(), { id: ID, etag, apply: (before) => ({ ...before, owner }) });
    const [change] = to('bob')!.changes;
    expect(change?.access).toEqual({ granted: [], revoked: grantsAt(1, 'user:bob') });
    expect(to('eve')?.changes[0]).not.toHaveProperty('access');
    expect(to('eve')?.changes[0]?.after?.accessEtag).toBe(accessEtag);
    const after = log.apply(to('bob'))!;
    expect(after.accessEtag).not.toBe(accessEtag);
    expect(log.server(ID).grants).toEqual(grantsAt(1, 'user:zoe'));
  });
});

describe('a server of a private source', () => {
  it('is neither changed, deleted, rolled back nor put back here', () => {
    const { log } = withServer({ owner: 'ana' }, [], { privateSource: 'db' });
    const { record } = log.server(ID);
    const at = log.context();
    const target = { id: ID, etag: record.etag };
    const version: ServerVersion = {
      generation: 1,
      cause: 'LOAD',
      actor: '',
      reason: '',
      time: 1,
      revision: 1,
      declared: declarationOf(record),
      etag: '',
      createTime: 1,
      lastUpdatedAt: 1,
      grants: [],
    };
    const { declared: _declared, ...deletion } = { ...version, generation: 2 };
    const elsewhere = { ...at, state: decisionLog().context().state };
    for (const decide of [
      () => decideUpdate(at, { ...target, apply: (before) => before }),
      () => decideDelete(at, target),
      () => decideRollback(at, { ...target, version }),
      () => decideUndelete(elsewhere, { id: ID, versions: [deletion, version] }),
    ])
      expect(refusalOf(decide)).toBe('MANAGED_BY_SOURCE');
  });
});
