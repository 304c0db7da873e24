import { describe, expect, it } from 'vitest';
import type { Change } from '../../../../../src/domain/commit.js';
import type { DecisionContext } from '../../../../../src/domain/commands/decide.js';
import {
  decideInvalidate,
  decidePurge,
  isPurging,
} from '../../../../../src/domain/commands/load/decide-user.js';
import type { StoredServer } from '../../../../../src/domain/server.js';
import { after, contextOf, loadOf, rowOf, serverOfRow } from '../../../../support/loads/loads.js';
import { grantsAt, recordOf } from '../../../../support/storage/builders.js';

describe('decideInvalidate', () => {
  const changed = (context: DecisionContext) => decideInvalidate(context, 'ana').loads?.[0];

  it('touches the load record and nothing else, whatever there was [P22]', () => {
    const none = { source: '', loadTime: 0 };
    expect(decideInvalidate(contextOf([]), 'ana')).toEqual({
      cause: 'INVALIDATE',
      changes: [],
      loads: [{ after: loadOf('ana', { state: 'invalidated', revision: 21, ...none }) }],
    });
    const before = loadOf('ana', { revision: 7, serverCount: 3, refusedCount: 1 });
    const expected = { before, after: { ...before, state: 'invalidated', revision: 21 } };
    expect(changed(contextOf([], { loads: [before] }))).toEqual(expected);
    const again = loadOf('ana', { revision: 7, state: 'invalidated' });
    expect(changed(contextOf([], { loads: [again] }))?.after).toEqual({ ...again, revision: 21 });
  });

  it('does not end a purge [P27]', () => {
    const purged = loadOf('ana', { state: 'purged', revision: 7 });
    const { before, after: next } = changed(contextOf([], { loads: [purged] }))!;
    expect(before).toBe(purged);
    expect(next).toEqual({ ...purged, revision: 21 });
  });
});

describe('decidePurge', () => {
  const shared = grantsAt(3, 'group:dev', 'user:ana', 'user:zoe');
  const server = (record: StoredServer['record'], grants = grantsAt(3)): StoredServer => ({
    record,
    grants,
  });
  const servers: readonly StoredServer[] = [
    server(recordOf({ id: 'own', owner: 'ana' }), grantsAt(3, 'group:dev')),
    server(recordOf({ id: 'granted', owner: 'bob' }), shared),
    serverOfRow(rowOf('own row')),
    serverOfRow(rowOf('granted row', { owner: 'bob' }), { grants: shared }),
    server(recordOf({ id: 'bobs', owner: 'bob' }), grantsAt(3, 'group:dev')),
    server(recordOf({ id: 'app', tier: 'APP' })),
  ];
  const all = (changes: readonly Change[]): readonly Change[] => changes;
  const upTo =
    (count: number) =>
    (changes: readonly Change[]): readonly Change[] =>
      changes.slice(0, count);

  it('deletes what the user owned, revokes what it was granted, of a source too [P27]', () => {
    const context = contextOf(servers);
    const { cause, changes, loads } = decidePurge(context, 'ana', all)!;
    expect(cause).toBe('PURGE');
    const purged = { state: 'purged', revision: 21, source: '', loadTime: 0 } as const;
    expect(loads).toEqual([{ after: loadOf('ana', purged) }]);
    const byName = new Map(changes.map((change) => [change.before?.name, change]));
    expect([...byName.keys()].sort()).toEqual(['granted', 'granted row', 'own', 'own row']);
    for (const name of ['own', 'own row']) expect(byName.get(name)?.after).toBeUndefined();
    expect(byName.get('own')?.access?.revoked).toEqual(grantsAt(3, 'group:dev'));
    for (const name of ['granted', 'granted row']) {
      const { before, after: next, access } = byName.get(name)!;
      expect(access).toEqual({ granted: [], revoked: grantsAt(3, 'user:ana') });
      expect(next).toEqual({ ...before, revision: 21, accessEtag: next?.accessEtag });
      expect(next?.accessEtag).not.toBe(before?.accessEtag);
    }
    const { state } = after(context, { cause, changes, loads: loads! });
    expect([...state.privateOf('user:ana')]).toEqual([]);
    const left = (subject: 'user:zoe' | 'user:bob' | 'group:dev'): number =>
      [...state.privateOf(subject)].length;
    expect([left('user:zoe'), left('user:bob'), left('group:dev')]).toEqual([2, 3, 3]);
    expect([...state.allShared()]).toHaveLength(1);
  });

  it('goes in parts: the first blocks loads, the last says that it is done [P27]', () => {
    const before = loadOf('ana', { revision: 7, serverCount: 2 });
    let context = contextOf(servers, { loads: [before] });
    const parts: (readonly [count: number, goesOn: boolean])[] = [];
    for (;;) {
      const decision = decidePurge(context, 'ana', upTo(2));
      if (decision === undefined) break;
      parts.push([decision.changes.length, isPurging(decision)]);
      context = after(context, decision);
      const { isPurging: _, ...load } = context.state.loadOf('ana')!;
      const { revision } = context.after;
      expect(load).toEqual({ ...before, state: 'purged', revision });
    }
    expect(parts).toEqual([
      [2, true],
      [2, false],
    ]);
    expect([...context.state.privateOf('user:ana')]).toEqual([]);
  });

  it('of a user who was purged before takes what came since, and says when it is done', () => {
    const context = contextOf(servers, { loads: [loadOf('ana', { state: 'purged' })] });
    expect(isPurging(decidePurge(context, 'ana', upTo(3))!)).toBe(true);
    const decision = decidePurge(context, 'ana', all)!;
    expect([decision.changes.length, isPurging(decision)]).toEqual([4, false]);
  });

  it('blocks loads of a user who has nothing, once [P27]', () => {
    const context = contextOf([]);
    const decision = decidePurge(context, 'ana', all)!;
    expect(decision.changes).toEqual([]);
    expect(decision.loads).toHaveLength(1);
    expect(decidePurge(after(context, decision), 'ana', all)).toBeUndefined();
  });

  it('says so too where a first part has room for nothing', () => {
    const decision = decidePurge(contextOf(servers), 'ana', upTo(0));
    expect(decision).toMatchObject({ changes: [], loads: [{ after: { state: 'purged' } }] });
  });
});
