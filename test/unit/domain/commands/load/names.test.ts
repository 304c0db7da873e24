import { describe, expect, it } from 'vitest';
import { refusedNames } from '../../../../../src/domain/commands/load/names.js';
import { checkRows, type LoadedRow } from '../../../../../src/domain/commands/load/rows.js';
import type { StoredServer } from '../../../../../src/domain/server.js';
import { contextOf, idOfRow, RIGHTS, rowOf, serverOfRow } from '../../../../support/loads/loads.js';
import { recordOf } from '../../../../support/storage/builders.js';
import { OPEN_POLICY } from '../../../../support/transport-policy.js';

/** The ids of the rows that cannot have their names, beside these servers. */
function refusedOf(
  servers: readonly StoredServer[],
  rows: readonly LoadedRow[],
  deleted: readonly string[] = [],
): readonly string[] {
  const { accepted, refused } = checkRows(rows, {
    user: 'ana',
    rights: RIGHTS,
    transportPolicy: OPEN_POLICY,
  });
  expect(refused).toEqual([]);
  const { state } = contextOf(servers);
  const found = refusedNames(state, accepted, new Set(deleted.map(idOfRow)));
  for (const { reason } of found.values()) expect(reason).toBe('NAME_TAKEN');
  return [...found.keys()].map((id) => accepted.get(id)?.externalId ?? '').sort();
}

/** A server that its owner keeps in the Catalog itself. */
const own = (name: string, owner = 'ana'): StoredServer => ({
  record: recordOf({ id: `own ${owner} ${name}`, name, owner }),
  grants: [],
});

describe('refusedNames', () => {
  it('lets two servers exchange their names', () => {
    const known = [rowOf('a', { name: 'x' }), rowOf('b', { name: 'y' })].map((r) => serverOfRow(r));
    expect(refusedOf(known, [rowOf('a', { name: 'y' }), rowOf('b', { name: 'x' })])).toEqual([]);
  });

  it('lets a server have the name of one that the load deletes', () => {
    const known = [rowOf('a', { name: 'x' }), rowOf('b', { name: 'y' })].map((r) => serverOfRow(r));
    expect(refusedOf(known, [rowOf('b', { name: 'x' })], ['a'])).toEqual([]);
    expect(refusedOf(known, [rowOf('c', { name: 'x' })], ['a'])).toEqual([]);
    // It stays, for another reason than a row of its own.
    expect(refusedOf(known, [rowOf('c', { name: 'x' })])).toEqual(['c']);
  });

  it('lets a server have the name of one that goes to another owner', () => {
    const known = [serverOfRow(rowOf('a', { name: 'x' }))];
    const rows = [rowOf('a', { name: 'x', owner: 'bob' }), rowOf('b', { name: 'x' })];
    expect(refusedOf(known, rows)).toEqual([]);
    // Unless that one cannot go.
    expect(refusedOf([...known, own('x', 'bob')], rows)).toEqual(['a', 'b']);
  });

  it('refuses the name of another server of the owner, and of nobody else', () => {
    const rows = [rowOf('a', { name: 'x' }), rowOf('b', { name: 'x', owner: 'bob' })];
    expect(refusedOf([own('x')], rows)).toEqual(['a']);
    expect(refusedOf([own('x', 'bob')], rows)).toEqual(['b']);
    expect(refusedOf([own('x', 'zoe')], rows)).toEqual([]);
    const shared = { record: recordOf({ id: 's', name: 'x', tier: 'APP' }), grants: [] };
    expect(refusedOf([shared], rows)).toEqual([]);
  });

  it('is not hindered by a server that is only granted to the owner', () => {
    const grants = [{ subject: 'user:ana', revision: 1 } as const];
    expect(refusedOf([{ ...own('x', 'bob'), grants }], [rowOf('a', { name: 'x' })])).toEqual([]);
  });

  it('lets a server keep its own name', () => {
    const known = [serverOfRow(rowOf('a', { name: 'x' }))];
    expect(refusedOf(known, [rowOf('a', { name: 'x', title: 'new' })])).toEqual([]);
  });

  it('a refusal keeps a name taken, which refuses the next, and so on', () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const known = names.map((name) => serverOfRow(rowOf(name)));
    // Each takes the name of the next; that of the last is an own server of the Catalog.
    const rows = names.map((id, at) => rowOf(id, { name: names[at + 1] ?? 'f' }));
    expect(refusedOf(known, rows)).toEqual([]);
    for (const order of [rows, rows.toReversed()]) {
      expect(refusedOf([...known, own('f')], order)).toEqual(names);
    }
    // Those before the one that is refused, and not those behind it.
    const broken = rows.map((row) => (row.rowId === 'c' ? rowOf('c', { name: 'g' }) : row));
    expect(refusedOf([...known, own('g')], broken)).toEqual(['a', 'b', 'c']);
  });
});
