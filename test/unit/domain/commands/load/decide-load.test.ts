import { describe, expect, it } from 'vitest';
import type { Change } from '../../../../../src/domain/commit.js';
import { declarationOf, type DecisionContext } from '../../../../../src/domain/commands/decide.js';
import { MAX_REFUSED_ROWS } from '../../../../../src/domain/load-record.js';
import { decideLoad, type Deletion } from '../../../../../src/domain/commands/load/decide-load.js';
import { decideInvalidate } from '../../../../../src/domain/commands/load/decide-user.js';
import type { LoadedRow } from '../../../../../src/domain/commands/load/rows.js';
import { grantsOf } from '../../../../../src/domain/commands/load/sight.js';
import type { Grant, ServerRecord, StoredServer } from '../../../../../src/domain/server.js';
import {
  after,
  brokenRow,
  contextOf,
  idOfRow,
  intentOf,
  loadOf,
  OWN_ONLY,
  rowOf,
  serverOfRow,
  SOURCE,
} from '../../../../support/loads/loads.js';
import { grantsAt, recordOf } from '../../../../support/storage/builders.js';
import { reasonThrown } from '../../../../support/reason-of.js';

const known = (...rows: readonly LoadedRow[]): readonly StoredServer[] =>
  rows.map((row) => serverOfRow(row));

/** What changes do, by the ids of rows. */
function outline(changes: readonly Change[]): readonly string[] {
  return changes.map(({ before, after: next }) => {
    const { externalId = '' } = before ?? next ?? {};
    return `${before === undefined ? '+' : next === undefined ? '-' : '~'}${externalId}`;
  });
}

describe('decideLoad, what changes', () => {
  it('brings what is new, changes what differs, deletes what is gone, in one commit [L2]', () => {
    const context = contextOf(known(rowOf('same'), rowOf('other'), rowOf('gone')));
    const rows = [rowOf('same'), rowOf('other', { title: 'new' }), rowOf('new')];
    const { cause, changes, loads } = decideLoad(context, intentOf(rows));
    expect([cause, ...outline(changes)]).toEqual(['LOAD', '~other', '+new', '-gone']);
    expect(loads).toEqual([
      { after: loadOf('ana', { revision: 21, loadTime: 5_000, serverCount: 3 }) },
    ]);
  });

  it('touches only its record where nothing differs [P23]', () => {
    const before = loadOf('ana', { revision: 7, serverCount: 1 });
    const grants = grantsAt(3, 'user:ana');
    const shared = serverOfRow(rowOf('shared', { owner: 'bob' }), { grants });
    const context = contextOf([...known(rowOf('same')), shared], { loads: [before] });
    const rows = [rowOf('shared', { owner: 'bob' }), rowOf('same')];
    const intent = intentOf(rows, { grants: grantsOf(context.state, 'ana') });
    const { changes, loads } = decideLoad(context, intent);
    expect(changes).toEqual([]);
    const touched = loadOf('ana', { revision: 21, loadTime: 5_000, serverCount: 2 });
    expect(loads).toEqual([{ before, after: touched }]);
  });

  it('takes nothing away that a refused row without an id may be about', () => {
    const servers = known(rowOf('first'), rowOf('second'));
    const nameless = { ...brokenRow(''), name: '' };
    expect(decideLoad(contextOf(servers), intentOf([nameless])).changes).toEqual([]);
    const named = { ...brokenRow(''), name: 'first' };
    const { changes } = decideLoad(contextOf(servers), intentOf([named]));
    expect(outline(changes)).toEqual(['-second']);
  });

  it('says of a user without servers that it is loaded [L5]', () => {
    const { changes, loads } = decideLoad(contextOf([]), intentOf([]));
    expect(changes).toEqual([]);
    const record = loadOf('ana', { revision: 21, loadTime: 5_000, serverCount: 0 });
    expect(loads).toEqual([{ after: record }]);
  });

  it('makes a server of a new row, granted to the user where it belongs to another', () => {
    const rows = [rowOf('own', { title: 'Own' }), rowOf('foreign', { owner: 'bob' })];
    const [own, foreign] = decideLoad(contextOf([]), intentOf(rows)).changes;
    expect(own?.after).toMatchObject({
      id: idOfRow('own'),
      name: 'own',
      owner: 'ana',
      tier: 'PRIVATE',
      privateSource: SOURCE,
      externalId: 'own',
      generation: 1,
      revision: 21,
      factsEtag: '',
      createTime: 5_000,
      lastUpdatedAt: 5_000,
      scope: 'user',
    });
    expect(own?.access).toBeUndefined();
    expect(foreign?.after?.owner).toBe('bob');
    expect(foreign?.access).toEqual({ granted: grantsAt(21, 'user:ana'), revoked: [] });
  });

  it('keeps facts, access and creation of what it declares anew, and moves the etag', () => {
    const [server] = known(rowOf('r'));
    const facts = { oauthNeed: 'no' as const };
    const record: ServerRecord = { ...server!.record, facts, factsEtag: 'f', lastUpdatedAt: 9_000 };
    const context = contextOf([{ record, grants: grantsAt(2, 'group:dev') }]);
    const [change] = decideLoad(context, intentOf([rowOf('r', { title: 'new' })])).changes;
    const { spec, etag, generation, lastUpdatedAt, revision, ...rest } = change!.after!;
    expect(change?.access).toBeUndefined();
    expect(record).toMatchObject(rest);
    expect([spec.title, generation, revision]).toEqual(['new', record.generation + 1, 21]);
    expect(etag).not.toBe(record.etag);
    // The clock is behind.
    expect(lastUpdatedAt).toBe(9_001);
  });

  it('gives sight of a server that others brought without touching what is declared', () => {
    const row = rowOf('r', { owner: 'bob' });
    const [server] = known(row);
    const record = { ...server!.record, facts: { oauthNeed: 'no' as const }, factsEtag: 'f' };
    const [change] = decideLoad(contextOf([{ record, grants: [] }]), intentOf([row])).changes;
    const { accessEtag, ...rest } = record;
    expect(change?.before).toBe(record);
    expect(change?.after).toMatchObject({ ...rest, revision: 21 });
    expect(change?.after?.accessEtag).not.toBe(accessEtag);
    expect(change?.access).toEqual({ granted: grantsAt(21, 'user:ana'), revoked: [] });
  });

  it('takes only its own user’s sight of what belongs to others [P24]', () => {
    const grants = grantsAt(3, 'group:dev', 'user:ana', 'user:zoe');
    const context = contextOf([serverOfRow(rowOf('r', { owner: 'bob' }), { grants })]);
    const intent = intentOf([], { grants: grantsOf(context.state, 'ana') });
    const decision = decideLoad(context, intent);
    const [change] = decision.changes;
    expect(change?.access).toEqual({ granted: [], revoked: grantsAt(3, 'user:ana') });
    const { etag, accessEtag, owner } = change!.after!;
    expect([etag, owner]).toEqual([change?.before?.etag, 'bob']);
    expect(accessEtag).not.toBe(change?.before?.accessEtag);
    const { state } = after(context, decision);
    expect(state.byId(idOfRow('r'))?.grants).toEqual(grantsAt(3, 'group:dev', 'user:zoe'));
  });

  it('deletes what its user owned with all its grants, so that it can be undone [P4]', () => {
    const grants = grantsAt(3, 'group:dev', 'user:zoe');
    const server = serverOfRow(rowOf('r'), { grants });
    const { changes } = decideLoad(contextOf([server]), intentOf([]));
    expect(changes).toEqual([{ before: server.record, access: { granted: [], revoked: grants } }]);
  });

  it('leaves alone what comes from elsewhere, and what the user does not see', () => {
    const servers: readonly StoredServer[] = [
      { record: recordOf({ id: 'catalog', owner: 'ana' }), grants: [] },
      { record: recordOf({ id: 'other', owner: 'ana', privateSource: 'other' }), grants: [] },
      { record: recordOf({ id: 'shared', tier: 'USER' }), grants: [] },
      ...known(rowOf('bobs', { owner: 'bob' })),
    ];
    expect(decideLoad(contextOf(servers), intentOf([])).changes).toEqual([]);
  });

  it('goes on where a deletion ended: generation, creation, time of the last update [P6]', () => {
    const deletion: Deletion = { revision: 9, generation: 4, createTime: 3, lastUpdatedAt: 8_000 };
    const deletions = new Map([[idOfRow('r'), deletion]]);
    const rows = [rowOf('r'), rowOf('new')];
    const [back, fresh] = decideLoad(contextOf([]), intentOf(rows, { deletions })).changes;
    expect(back?.after).toMatchObject({ generation: 5, createTime: 3, lastUpdatedAt: 8_001 });
    expect(fresh?.after).toMatchObject({ generation: 1, createTime: 5_000, lastUpdatedAt: 5_000 });
  });
});

describe('decideLoad, rows that are left out', () => {
  it('leaves the servers of refused rows as they are, counts them, and says why', () => {
    const servers = known(rowOf('a'), rowOf('b'), rowOf('c', { owner: 'bob' }));
    const rows = [brokenRow('a'), rowOf('b', { name: '' }), brokenRow('c'), brokenRow('new')];
    const { changes, loads } = decideLoad(contextOf(servers), intentOf(rows));
    expect(changes).toEqual([]);
    const { serverCount, refused, refusedCount } = loads![0]!.after;
    // Of c, ana has no sight; of new, nothing is known.
    expect([serverCount, refusedCount]).toEqual([2, 4]);
    const reasons = refused.map(({ rowId, reason }) => `${rowId} ${reason}`);
    expect(reasons).toEqual(['a ROW_BROKEN', 'b INVALID_FIELD', 'c ROW_BROKEN', 'new ROW_BROKEN']);
  });

  it('keeps a server whose new name another server of the owner has', () => {
    const own = recordOf({ id: 'own', name: 'taken', owner: 'ana' });
    const context = contextOf([...known(rowOf('a')), { record: own, grants: [] }]);
    const rows = [rowOf('a', { name: 'taken', title: 'new' }), rowOf('b', { name: 'a' })];
    const { changes, loads } = decideLoad(context, intentOf(rows));
    expect(changes).toEqual([]);
    expect(loads?.[0]?.after).toMatchObject({
      serverCount: 1,
      refusedCount: 2,
      refused: [
        { rowId: 'a', name: 'taken', reason: 'NAME_TAKEN' },
        { rowId: 'b', name: 'a', reason: 'NAME_TAKEN' },
      ],
    });
    expect(loads?.[0]?.after.refused[0]?.message).toContain('own');
  });

  it('exchanges names, and takes that of a deleted one, in one commit [R5]', () => {
    const context = contextOf(known(rowOf('a'), rowOf('b'), rowOf('c'), rowOf('d')));
    const rows = [rowOf('a', { name: 'b' }), rowOf('b', { name: 'a' }), rowOf('c', { name: 'd' })];
    const decision = decideLoad(context, intentOf(rows));
    expect(outline(decision.changes)).toEqual(['~a', '~b', '~c', '-d']);
    expect(decision.loads?.[0]?.after.refusedCount).toBe(0);
  });

  it('keeps at most so many refused rows, and the true count', () => {
    const rows = Array.from({ length: 250 }, (_, at) => brokenRow(`r${String(at)}`));
    const { loads } = decideLoad(contextOf([]), intentOf(rows));
    const { refused, refusedCount } = loads![0]!.after;
    expect([refused.length, refusedCount]).toEqual([MAX_REFUSED_ROWS, 250]);
    expect(refused[0]?.rowId).toBe('r0');
  });

  it('brings nothing of other owners where the source may not speak for them [P24]', () => {
    const servers = known(rowOf('a', { owner: 'bob' }));
    const rows = [rowOf('a', { owner: 'bob' }), rowOf('b', { owner: 'bob' }), rowOf('c')];
    const { changes, loads } = decideLoad(contextOf(servers), intentOf(rows, { rights: OWN_ONLY }));
    expect(outline(changes)).toEqual(['+c']);
    expect(loads?.[0]?.after).toMatchObject({ serverCount: 1, refusedCount: 2 });
  });
});

describe('decideLoad, what moved since it began', () => {
  const moved = (row: LoadedRow, revision: number): StoredServer => serverOfRow(row, { revision });
  const decide = (context: DecisionContext, rows: readonly LoadedRow[], since = 10) =>
    reasonThrown(() => decideLoad(context, intentOf(rows, { since })));

  it('gives way to a newer load, also one that changed nothing [L1, P22, P23]', () => {
    const context = contextOf(known(rowOf('a')), { revision: 10 });
    const began = intentOf([rowOf('a', { title: 'older' })], { since: 10 });
    const newer = decideLoad(context, intentOf([rowOf('a')], { since: 10 }));
    expect(newer.changes).toEqual([]);
    const later = after(context, newer);
    expect(reasonThrown(() => decideLoad(later, began))).toBe('LOAD_CONFLICT');
    // One that began after it does not.
    expect(reasonThrown(() => decideLoad(later, { ...began, since: 11 }))).toBe('done');
  });

  it('gives way to an invalidation [L3, P22]', () => {
    const context = contextOf([], { revision: 10 });
    const later = after(context, decideInvalidate(context, 'ana'));
    expect(decide(later, [])).toBe('LOAD_CONFLICT');
    expect(decide(later, [], 11)).toBe('done');
  });

  it('does not mind the load record of another user', () => {
    expect(decide(contextOf([], { loads: [loadOf('bob', { revision: 11 })] }), [])).toBe('done');
  });

  it.each<[string, readonly LoadedRow[]]>([
    ['declares anew', [rowOf('a', { title: 'new' })]],
    ['deletes', []],
    ['gives to another owner', [rowOf('a', { owner: 'bob' })]],
  ])('gives way where a server moved that it %s [P22]', (_what, rows) => {
    expect(decide(contextOf([moved(rowOf('a'), 11)]), rows)).toBe('LOAD_CONFLICT');
    expect(decide(contextOf([moved(rowOf('a'), 10)]), rows)).toBe('done');
  });

  it('does not mind a server that declares what its row does, if the user gains or loses sight only [P22]', () => {
    const row = rowOf('a', { owner: 'bob' });
    const made = contextOf([moved(row, 11)]);
    const { changes } = decideLoad(made, intentOf([row], { since: 10 }));
    expect(changes[0]?.access).toEqual({ granted: grantsAt(21, 'user:ana'), revoked: [] });
    const seen = contextOf([serverOfRow(row, { revision: 11, grants: grantsAt(3, 'user:ana') })]);
    const grants = grantsOf(seen.state, 'ana');
    const lost = decideLoad(seen, intentOf([], { since: 10, grants })).changes;
    expect(lost[0]?.access).toEqual({ granted: [], revoked: grantsAt(3, 'user:ana') });
  });

  it.each<[string, readonly Grant[], readonly Grant[]]>([
    ['was given', [], grantsAt(11, 'user:ana')],
    ['was taken', grantsAt(3, 'user:ana'), []],
    ['was taken and given again', grantsAt(3, 'user:ana'), grantsAt(11, 'user:ana')],
  ])(
    'gives way where a grant of its user %s, whatever the row says [P22, D6]',
    (_what, then, now) => {
      const row = rowOf('a', { owner: 'bob' });
      const grants = grantsOf(contextOf([serverOfRow(row, { grants: then })]).state, 'ana');
      const context = contextOf([serverOfRow(row, { revision: 11, grants: now })]);
      const decideNow = (rows: readonly LoadedRow[]) =>
        reasonThrown(() => decideLoad(context, intentOf(rows, { since: 10, grants })));
      expect(decideNow([row])).toBe('LOAD_CONFLICT');
      expect(decideNow([rowOf('a', { owner: 'bob', title: 'new' })])).toBe('LOAD_CONFLICT');
      if (now.length > 0) expect(decideNow([])).toBe('LOAD_CONFLICT');
    },
  );

  it('does not mind the grants of other users', () => {
    const row = rowOf('a', { owner: 'bob' });
    const context = contextOf([
      serverOfRow(row, { revision: 11, grants: grantsAt(11, 'user:zoe') }),
    ]);
    expect(decide(context, [row])).toBe('done');
  });

  it('does not mind a server that moved and that it does not change', () => {
    const context = contextOf([moved(rowOf('a'), 11), moved(rowOf('kept'), 12)]);
    expect(decide(context, [rowOf('a'), brokenRow('kept'), rowOf('new')])).toBe('done');
  });

  it('does not bring back what was deleted meanwhile [P2, P22]', () => {
    const deletionAt = (revision: number) =>
      new Map([[idOfRow('a'), { revision, generation: 2, createTime: 1, lastUpdatedAt: 1 }]]);
    const bring = (revision: number, rows: readonly LoadedRow[]) => {
      const intent = intentOf(rows, { since: 10, deletions: deletionAt(revision) });
      return reasonThrown(() => decideLoad(contextOf([]), intent));
    };
    expect(bring(11, [rowOf('a')])).toBe('LOAD_CONFLICT');
    expect(bring(10, [rowOf('a')])).toBe('done');
    // A row that is left out brings nothing back.
    expect(bring(11, [brokenRow('a')])).toBe('done');
  });
});

describe('decideLoad, of a purged user', () => {
  const purged = loadOf('ana', { state: 'purged', revision: 5 });
  const context = contextOf([], { loads: [purged] });

  it('is refused unless it is forced, which ends the purge [P27]', () => {
    expect(reasonThrown(() => decideLoad(context, intentOf([rowOf('a')])))).toBe('USER_PURGED');
    const { changes, loads } = decideLoad(context, intentOf([rowOf('a')], { isForced: true }));
    expect(outline(changes)).toEqual(['+a']);
    expect(loads?.[0]).toMatchObject({ before: purged, after: { state: 'loaded' } });
  });

  it('gives way to a purge, also one that is forced [L3, P22]', () => {
    const began = intentOf([rowOf('a')], { isForced: true, since: 4 });
    expect(reasonThrown(() => decideLoad(context, began))).toBe('LOAD_CONFLICT');
  });

  it('does not mind the purge of another user', () => {
    const others = contextOf([], { loads: [loadOf('bob', { state: 'purged', revision: 5 })] });
    expect(reasonThrown(() => decideLoad(others, intentOf([])))).toBe('done');
  });
});

describe('what a load declares', () => {
  it('is exactly what its row says', () => {
    const row = rowOf('r', { name: 'files', title: 'Files' });
    const [change] = decideLoad(contextOf([]), intentOf([row])).changes;
    expect(declarationOf(change!.after!)).toEqual(declarationOf(serverOfRow(row).record));
  });
});
