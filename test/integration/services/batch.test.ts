import { describe, expect, it } from 'vitest';
import {
  invalidField,
  isSwitchboardError,
  type SwitchboardError,
} from '../../../src/domain/errors.js';
import type { ServerKey } from '../../../src/domain/held-connection.js';
import { APP_VIEW, INVENTORY_VIEW, userView, type View } from '../../../src/domain/view.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import {
  create,
  get,
  openWorld,
  remove,
  requestOf,
  tokenOf,
  update,
  type Replica,
} from '../../support/services/world.js';
import { reasonOf } from '../../support/reason-of.js';

useFakeIntervals();

const batch = (
  { services }: Replica,
  view: View,
  keys: readonly (ServerKey | SwitchboardError)[],
  atLeast = '',
) => services.batchGetServers(requestOf(), { view, keys, atLeast });

/** Ids of what was found, reasons of what was not. */
const told = (results: Awaited<ReturnType<typeof batch>>['value']): readonly string[] =>
  results.map((found) => (isSwitchboardError(found) ? found.reason : found.record.id));

describe('a batch', () => {
  it('answers for each key what get answers, in every view [R7, C7]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const ids: string[] = [];
    for (const parts of [
      { name: 'files', tier: 'APP' },
      { name: 'mail', tier: 'USER' },
      { name: 'files', owner: 'ana' },
      { name: 'own', owner: 'ana' },
      { name: 'own', owner: 'bob' },
    ] as const) {
      ids.push((await create(replica, parts)).value.id);
    }
    const keys: readonly ServerKey[] = [
      ...['files', 'mail', 'own', 'none'].map((name) => ({ name })),
      ...[...ids, 'never'].map((id) => ({ id })),
    ];
    for (const view of [APP_VIEW, userView('ana'), userView('bob'), userView('eve')]) {
      const cold = await world.replica();
      const { value, position } = await batch(cold, view, keys);
      expect(position.revision).toBe(5);
      const one = async (key: ServerKey): Promise<string> => {
        const found = get(cold, view, key).then((answer) => answer.value.record.id);
        return found.catch((error: unknown) => (error as SwitchboardError).reason);
      };
      expect(told(value)).toEqual(await Promise.all(keys.map(one)));
    }
    expect(told((await batch(replica, userView('ana'), keys)).value)).toEqual([
      ...[ids[0], ids[1], ids[3], 'SERVER_NOT_FOUND'],
      ...[ids[0], ids[1], ids[2], ids[3], 'SERVER_NOT_FOUND', 'SERVER_NOT_FOUND'],
    ]);
  });

  it('finds by id in the inventory, deleted ones not, and refuses names one by one', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value: shared } = await create(replica, { name: 'files' });
    const { value: own } = await create(replica, { name: 'own', owner: 'ana' });
    const { value: gone } = await create(replica, { name: 'gone', owner: 'bob' });
    await remove(replica, gone);
    const keys = [
      { id: own.id },
      { name: 'files' },
      { id: gone.id },
      { id: shared.id },
      { id: '' },
    ];
    const { value } = await batch(await world.replica(), INVENTORY_VIEW, keys);
    expect(told(value)).toEqual([
      ...[own.id, 'INVALID_FIELD', 'SERVER_NOT_FOUND', shared.id, 'INVALID_FIELD'],
    ]);
    const fields = value.flatMap((found) => (isSwitchboardError(found) ? found.violations : []));
    expect(fields.map(({ field }) => field)).toEqual(['keys[1].name', 'keys[4].id']);
  });

  it('hides nothing behind a key that is wrong [C7]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value: record } = await create(replica, { name: 'files' });
    const keys = [invalidField('keys[0]', 'broken'), { id: 'x'.repeat(300) }, { name: 'files' }];
    const { value } = await batch(replica, APP_VIEW, keys);
    expect(told(value)).toEqual(['INVALID_FIELD', 'INVALID_FIELD', 'SERVER_NOT_FOUND']);
    const user = await batch(replica, userView('ana'), keys);
    expect(told(user.value)[2]).toBe(record.id);
  });

  it('is of one revision, while others write [P9]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    let { value: left } = await create(replica, { name: 'left', title: '0' });
    let { value: right } = await create(replica, { name: 'right', owner: 'ana', title: '0' });
    const keys = [{ id: left.id }, { id: right.id }];
    const seen = new Set<number>();
    const look = async (view: View): Promise<void> => {
      const { value, position } = await batch(replica, view, keys);
      const [a = NaN, b = NaN] = value.map((found) =>
        isSwitchboardError(found) ? NaN : Number(found.record.spec.title),
      );
      // First the one, then the other: at any revision they differ by at most one step.
      expect([a, a - 1]).toContain(b);
      expect(position.revision).toBe(2 + a + b);
      seen.add(a + b);
    };
    const looks = () => [userView('ana'), INVENTORY_VIEW].map(look);
    for (let round = 1; round <= 20; round += 1) {
      const change = { specFields: { title: String(round) } };
      const first = update(replica, left, change);
      await Promise.all(looks());
      ({ value: left } = await first);
      const second = update(replica, right, change);
      await Promise.all(looks());
      ({ value: right } = await second);
    }
    expect(seen.size).toBeGreaterThan(20);
  });

  it('reflects what at_least demands [R1]', async () => {
    await using world = await openWorld();
    const [near, far] = [await world.replica(), await world.replica()];
    await batch(far, userView('ana'), [{ name: 'files' }]);
    const { value, position } = await create(near, { name: 'files', owner: 'ana' });
    const found = await batch(far, userView('ana'), [{ name: 'files' }], tokenOf(position));
    expect(told(found.value)).toEqual([value.id]);
  });

  it('has up to 1000 keys, and a view that the caller may look with', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const many = (count: number) => Array.from({ length: count }, () => ({ name: 'files' }));
    expect((await batch(replica, APP_VIEW, many(1_000))).value).toHaveLength(1_000);
    expect(await reasonOf(batch(replica, userView(' '), many(1)))).toBe('INVALID_FIELD');
    const caller = { principal: 'r', tenants: undefined, roles: ['reader'] as const };
    const query = { view: INVENTORY_VIEW, keys: many(1), atLeast: '' };
    const denied = replica.services.batchGetServers(requestOf({ caller }), query);
    expect(await reasonOf(denied)).toBe('PERMISSION_DENIED');
  });
});
