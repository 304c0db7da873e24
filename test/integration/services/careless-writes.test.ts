import { describe, expect, it } from 'vitest';
import type { ServerRecord } from '../../../src/domain/server.js';
import { INVENTORY_VIEW, userView } from '../../../src/domain/view.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import { demote, grantsOf, promote } from '../../support/services/access.js';
import { apply, itemOf, rollback, told, undelete } from '../../support/services/apply.js';
import {
  create,
  get,
  openWorld,
  page,
  remove,
  TENANT,
  update,
  type Replica,
} from '../../support/services/world.js';
import { reasonOf } from '../../support/reason-of.js';
import { withMethods } from '../../support/storage/reads.js';

useFakeIntervals();

const FAIL = { policy: 'fail' } as const;

const revisionOf = async (catalog: Catalog): Promise<number> =>
  (await catalog.log.head(TENANT)).revision;

/** By id, with tier and owner. */
const inventory = async (replica: Replica): Promise<ReadonlyMap<string, string>> => {
  const { value } = await page(replica, INVENTORY_VIEW);
  return new Map(
    value.servers.map(({ record: { id, name, tier, owner = '' } }) => [
      id,
      `${name} ${tier} ${owner}`.trim(),
    ]),
  );
};

/** A catalog that does something while the namesakes of a server are looked for first. */
function whileLooking(
  catalog: Catalog,
  act: () => Promise<unknown>,
): { readonly catalog: Catalog; readonly looks: () => number } {
  let looks = 0;
  const racing: Catalog = withMethods(catalog, {
    serversNamed: async (...args) => {
      const found = await catalog.projections.serversNamed(...args);
      looks += 1;
      if (looks === 1) await act();
      return found;
    },
  });
  return { catalog: racing, looks: () => looks };
}

describe('a shared server that would hide private ones', () => {
  it('is neither created, renamed, restored, rolled back nor applied, unless that is meant [P11]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value: first } = await create(replica, { name: 'files' });
    const { value: renamed } = await update(replica, first, { fields: { name: 'docs' } });
    const { value: gone } = await create(replica, { name: 'mail' });
    await remove(replica, gone);
    for (const name of ['files', 'mail', 'chat']) {
      for (const owner of ['ana', 'bob']) await create(replica, { name, owner });
    }
    const before = await revisionOf(world.catalog);
    const refused = [
      await reasonOf(create(replica, { name: 'chat' }, FAIL)),
      await reasonOf(create(replica, { name: 'chat' }, { ...FAIL, validateOnly: true })),
      await reasonOf(update(replica, renamed, { fields: { name: 'chat' }, ...FAIL })),
      await reasonOf(rollback(replica, renamed, { generation: 1, ...FAIL })),
      await reasonOf(undelete(replica, gone.id, FAIL)),
    ];
    expect(refused).toEqual(Array(5).fill('WOULD_SHADOW'));
    const items = [itemOf({ name: 'chat', tier: 'APP' }), itemOf({ name: 'other' })];
    const planned = await apply(replica, items, { validateOnly: true });
    expect(told(planned)).toEqual(['refused WOULD_SHADOW', 'created other']);
    expect(planned.value.results[0]?.error?.metadata).toMatchObject({ count: '2' });
    expect(told(await apply(replica, items, { allOrNothing: true }))[0]).toBe(
      'refused WOULD_SHADOW',
    );
    expect(await revisionOf(world.catalog)).toBe(before);

    const shadow = { policy: 'shadow' } as const;
    const meant = await apply(replica, items, { ...shadow, validateOnly: true });
    expect(meant.value.results.map(({ hidden }) => hidden)).toEqual([2, undefined]);
    expect(told(await apply(replica, items, shadow))).toEqual(['created chat', 'created other']);
    await rollback(replica, renamed, { generation: 1, ...shadow });
    await undelete(replica, gone.id, shadow);
    for (const name of ['chat', 'files', 'mail']) {
      const { value } = await get(replica, userView('ana'), { name });
      expect(value.record.tier).not.toBe('PRIVATE');
    }
  });

  it('may have its name changed to one that hides nothing, and all else of it', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value: first } = await create(replica, { name: 'files', tier: 'APP' });
    await create(replica, { name: 'files', owner: 'ana' });
    const { value: user } = await update(replica, first, { fields: { tier: 'USER' }, ...FAIL });
    const { value: named } = await update(replica, user, { fields: { name: 'files' }, ...FAIL });
    await update(replica, named, { specFields: { title: 'new' }, ...FAIL });
    expect(told(await apply(replica, [itemOf({ name: 'files', title: 'x' })]))).toEqual([
      'updated files',
    ]);
    const { value: own } = await create(replica, { name: 'mine', owner: 'bob' });
    await update(replica, own, { fields: { name: 'files' }, ...FAIL });
  });

  it.each(['each by itself', 'all or nothing'])(
    'sees one that is created while it looks for such, applied %s [P11]',
    async (how) => {
      await using world = await openWorld();
      const near = await world.replica();
      const { catalog, looks } = whileLooking(world.catalog, () =>
        create(near, { name: 'files', owner: 'bob' }),
      );
      const racing = await world.replica({ catalog });
      const allOrNothing = how === 'all or nothing';
      const applied = await apply(racing, [itemOf({ name: 'files' })], { allOrNothing });
      expect(told(applied)).toEqual(['refused WOULD_SHADOW']);
      expect(looks()).toBe(2);
      expect(await reasonOf(create(racing, { name: 'files' }, FAIL))).toBe('WOULD_SHADOW');
      expect(await revisionOf(world.catalog)).toBe(1);
    },
  );

  it('sees that the shared one whose place it would take has gone meanwhile [P11]', async () => {
    await using world = await openWorld();
    const near = await world.replica();
    const { value: shared } = await create(near, { name: 'files' });
    await create(near, { name: 'files', owner: 'ana' });
    const { catalog } = whileLooking(world.catalog, () => remove(near, shared));
    const racing = await world.replica({ catalog });
    const items = [itemOf({ name: 'other' }), itemOf({ name: 'files' })];
    const applied = await apply(racing, items, { allOrNothing: true });
    expect(told(applied)).toEqual(['held_back other', 'refused WOULD_SHADOW']);
  });
});

describe('a server that somebody moved since its set was applied', () => {
  const FILE = ['kept', 'demoted', 'renamed', 'narrowed'].map((name) =>
    itemOf({ name, tier: 'APP' }),
  );

  /** The set of FILE, of which an administrator then moved all but one. */
  async function movedSet(replica: Replica): Promise<readonly ServerRecord[]> {
    const { value } = await apply(replica, FILE);
    const [kept, demoted, renamed, narrowed] = value.results.map(({ record }) => record!);
    return [
      kept!,
      (await demote(replica, demoted!, { owner: 'ana', subjects: ['user:bob'] })).value.record,
      (await update(replica, renamed!, { fields: { name: 'new name' } })).value,
      (await update(replica, narrowed!, { fields: { tier: 'USER' } })).value,
    ];
  }

  it.each([false, true])('is not moved back, nor made anew, all or nothing: %s', async (all) => {
    await using world = await openWorld();
    const replica = await world.replica();
    await movedSet(replica);
    const before = await inventory(replica);
    const cold = await world.replica();
    const applied = await apply(cold, FILE, { allOrNothing: all, prune: true, policy: 'shadow' });
    expect(told(applied)).toEqual([
      ...['unchanged kept', 'refused MOVED', 'refused MOVED', 'refused MOVED'],
    ]);
    expect(applied.value.results[1]?.error?.metadata).toMatchObject({ actor: 'anonymous' });
    expect(await inventory(cold)).toEqual(before);
  });

  it('is moved back, under its id and without its grants, if that is meant', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const moved = await movedSet(replica);
    const cold = await world.replica();
    const applied = await apply(cold, FILE, { takeOver: true, prune: true });
    expect(told(applied)).toEqual([
      ...['unchanged kept', 'updated demoted', 'updated renamed', 'updated narrowed'],
    ]);
    const names = ['kept', 'demoted', 'renamed', 'narrowed'];
    const back = moved.map(({ id }, at) => [id, `${names[at] ?? ''} APP`] as const);
    expect(await inventory(cold)).toEqual(new Map(back));
    expect((await grantsOf(cold, moved[1]!)).value.grants).toEqual([]);
    expect(told(await apply(cold, FILE, { prune: true }))).toEqual([
      ...['unchanged kept', 'unchanged demoted', 'unchanged renamed', 'unchanged narrowed'],
    ]);
  });

  it('is not pruned when its file drops it, unless that is meant', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    await movedSet(replica);
    const pruned = await apply(replica, FILE.slice(0, 1), { prune: true });
    expect(told(pruned)).toEqual([
      'unchanged kept',
      ...['left demoted', 'left narrowed', 'left new name'],
    ]);
    expect(pruned.value.results[1]?.record?.moved).toMatchObject({ actor: 'anonymous' });
    const meant = await apply(replica, FILE.slice(0, 1), { prune: true, takeOver: true });
    expect(told(meant).slice(1)).toEqual([
      ...['deleted demoted', 'deleted narrowed', 'deleted new name'],
    ]);
  });

  it('is one that was promoted from the private one of a set, too', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const file = [itemOf({ name: 'notes', owner: 'ana' })];
    const { value } = await apply(replica, file);
    await promote(replica, value.results[0]!.record!, { tier: 'APP' });
    expect(told(await apply(replica, file, { prune: true }))).toEqual(['refused MOVED']);
    expect([...(await inventory(replica)).values()]).toEqual(['notes APP']);
  });

  it('is free again once it is back where its set declares it', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const [, , , narrowed] = await movedSet(replica);
    const { value: back } = await rollback(replica, narrowed!, { generation: 1 });
    expect(back.record.moved).toBeUndefined();
    const item = itemOf({ name: 'narrowed', tier: 'USER' });
    expect(told(await apply(replica, [item]))[0]).toBe('updated narrowed');
  });

  it('is seen as moved when that happens while the set is applied [P11]', async () => {
    await using world = await openWorld();
    const near = await world.replica();
    const { value } = await apply(near, [itemOf({ name: 'files', tier: 'APP' })]);
    const record = value.results[0]!.record!;
    const { catalog } = whileLooking(world.catalog, () => demote(near, record, { owner: 'ana' }));
    const racing = await world.replica({ catalog });
    const items = [itemOf({ name: 'new' }), itemOf({ name: 'files', tier: 'APP', title: 'x' })];
    const applied = await apply(racing, items, { allOrNothing: true, policy: 'fail' });
    expect(told(applied)).toEqual(['held_back new', 'refused MOVED']);
    expect([...(await inventory(near)).values()]).toEqual(['files PRIVATE ana']);
  });
});
