import { describe, expect, it } from 'vitest';
import { SwitchboardError } from '../../../src/domain/errors.js';
import { INVENTORY_VIEW } from '../../../src/domain/view.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import { demote, promote } from '../../support/services/access.js';
import { apply, itemOf, told } from '../../support/services/apply.js';
import { withMethods } from '../../support/storage/reads.js';
import {
  create,
  openWorld,
  page,
  remove,
  TENANT,
  update,
  type Replica,
  type World,
} from '../../support/services/world.js';

useFakeIntervals();

const A = itemOf({ name: 'a' });
const B = itemOf({ name: 'b' });
const MORE = { prune: true, requestId: 'x' };

/** The names of all servers, as a replica that begins now finds them. */
async function namesIn(world: World): Promise<readonly string[]> {
  const { value } = await page(await world.replica(), INVENTORY_VIEW);
  return value.servers.map(({ record }) => record.name).toSorted();
}

const revisionOf = async ({ catalog }: World): Promise<number> =>
  (await catalog.log.head(TENANT)).revision;

/** A replica whose process is gone once it has appended so often. */
async function replicaThatDies(world: World, appends: number): Promise<Replica> {
  let left = appends;
  const catalog = withMethods(world.catalog, {
    append: (...args) => {
      left -= 1;
      if (left < 0) return Promise.reject(new SwitchboardError('NOT_WRITTEN', 'it is gone'));
      return world.catalog.log.append(...args);
    },
  });
  return world.replica({ catalog });
}

describe('an apply that prunes, repeated after another one of its set', () => {
  it('deletes nothing that came after it, and has the answer of the first [R3, P13]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    await apply(replica, [itemOf({ name: 'old' })]);
    const first = await apply(replica, [A], MORE);
    expect(told(first)).toEqual(['created a', 'deleted old']);
    await apply(replica, [A, B]);
    const revision = await revisionOf(world);
    for (const on of [replica, await world.replica()]) {
      expect((await apply(on, [A], MORE)).value).toEqual(first.value);
    }
    expect(await namesIn(world)).toEqual(['a', 'b']);
    expect(await revisionOf(world)).toBe(revision);
  });

  it('that had nothing to delete deletes nothing either [R3, P13]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const first = await apply(replica, [A], MORE);
    await apply(replica, [A, B]);
    expect((await apply(replica, [A], MORE)).value).toEqual(first.value);
    expect(await revisionOf(world)).toBe(2);
    expect(await namesIn(world)).toEqual(['a', 'b']);
  });

  it('that died before it had deleted all deletes the rest of what it began with [R3, F1, P13]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    await apply(replica, [itemOf({ name: 'old' }), itemOf({ name: 'edited' })]);
    const dying = await replicaThatDies(world, 1);
    const cutOff = await apply(dying, [A], MORE);
    expect(told(cutOff)).toEqual(['created a', 'refused NOT_WRITTEN', 'refused NOT_WRITTEN']);
    const edited = cutOff.value.results[1]!.record!;
    expect(edited.name).toBe('edited');
    await update(replica, edited, { specFields: { title: 'by hand' } });
    await apply(replica, [B]);
    const completed = await apply(await world.replica(), [A], MORE);
    expect(told(completed)).toEqual(['created a', 'refused ETAG_MISMATCH', 'deleted old']);
    expect(await namesIn(world)).toEqual(['a', 'b', 'edited']);
    const revision = await revisionOf(world);
    await apply(replica, [itemOf({ name: 'old' })]);
    const again = await apply(await world.replica(), [A], MORE);
    expect(again.value).toEqual(completed.value);
    expect(await revisionOf(world)).toBe(revision + 1);
    expect(await namesIn(world)).toEqual(['a', 'b', 'edited', 'old']);
  });

  it('of a set of many commits ends as it would have, were it not for the kill [R3, F1]', async () => {
    await using world = await openWorld();
    const text = 'x'.repeat(90_000);
    const spec = { instructions: { kind: 'text', text } } as const;
    const old = Array.from({ length: 30 }, (_, n) => itemOf({ name: `old ${String(n)}`, spec }));
    const replica = await world.replica();
    await apply(replica, old);
    // The items are one append, the deletions several.
    const cutOff = await apply(await replicaThatDies(world, 2), [A], MORE);
    const deleted = cutOff.value.results.filter(({ action }) => action === 'deleted').length;
    expect(deleted).toBeGreaterThan(0);
    expect(deleted).toBeLessThan(30);
    await apply(replica, [B]);
    const completed = await apply(await world.replica(), [A], MORE);
    expect(completed.value.results.map(({ action }) => action)).toEqual([
      'created',
      ...Array<string>(30).fill('deleted'),
    ]);
    expect(await namesIn(world)).toEqual(['a', 'b']);
  });
});

describe('what a repeated apply answers', () => {
  it('of servers that it left is what it answered first [R3]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    await apply(replica, [itemOf({ name: 'left' })]);
    for (const more of [{ requestId: 'each' }, { requestId: 'all', allOrNothing: true }]) {
      const set = [itemOf({ name: more.requestId })];
      const first = await apply(replica, set, more);
      await apply(replica, [itemOf({ name: `after ${more.requestId}` })]);
      const again = await apply(await world.replica(), set, more);
      expect(told(again)).toEqual(told(first));
      expect(again.value).toEqual(first.value);
    }
  });

  it('of items without a commit is what it answered first, and changes nothing [R3, P13]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value: own } = await create(replica, { name: 'own', owner: 'ana' });
    await apply(replica, [B, itemOf({ name: 'c' })]);
    await apply(replica, [itemOf({ name: 'theirs' })], { set: 'other' });
    const set = [A, B, itemOf({ name: 'theirs' }), itemOf({ name: 'own', owner: 'ana' }, own.etag)];
    for (const more of [{ requestId: 'each' }, { requestId: 'all', allOrNothing: true }]) {
      const items = more.allOrNothing === true ? [itemOf({ name: 'd' }), B] : set;
      const first = await apply(replica, items, more);
      const b = first.value.results[1]!.record!;
      expect(first.value.results[1]).toMatchObject({ action: 'unchanged', record: { name: 'b' } });
      const changed = await update(replica, b, { specFields: { title: 'later' } });
      const revision = await revisionOf(world);
      const again = await apply(await world.replica(), items, more);
      expect(again.value).toEqual(first.value);
      expect(await revisionOf(world)).toBe(revision);
      await update(replica, changed.value, { specFields: { title: '' } });
    }
  });

  it('of an item that was cut off and changed by others since is no overwriting [R2, R3]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const names = Array.from({ length: 300 }, (_, n) => `n${String(n)}`);
    await apply(replica, [B, ...names.map((name) => itemOf({ name }))]);
    const many = names.map((name) => itemOf({ name, title: 'new' }));
    const set = [...many, itemOf({ name: 'b', title: 'new' }), itemOf({ name: 'c' })];
    const cutOff = await apply(await replicaThatDies(world, 1), set, { requestId: 'x' });
    expect(told(cutOff).slice(-2)).toEqual(['refused NOT_WRITTEN', 'refused NOT_WRITTEN']);
    await apply(replica, [itemOf({ name: 'b', title: 'newer' })]);
    const completed = await apply(await world.replica(), set, { requestId: 'x' });
    expect(told(completed).slice(-2)).toEqual(['refused ETAG_MISMATCH', 'created c']);
    expect(completed.value.results.slice(0, 300).every(({ action }) => action === 'updated')).toBe(
      true,
    );
  });
});

describe('what a repeated move answers', () => {
  it('of the servers that it hides or uncovers is what it answered first [R3]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value: record } = await create(replica, { name: 'files', owner: 'ana' });
    const { value: bobs } = await create(replica, { name: 'files', owner: 'bob' });
    const { value: eves } = await create(replica, { name: 'files', owner: 'eve' });
    const up = (on: Replica) => promote(on, record, { requestId: 'up' });
    const first = await up(replica);
    await create(replica, { name: 'files', owner: 'zoe' });
    await remove(replica, bobs);
    await update(replica, eves, { fields: { name: 'mail' } });
    expect(first.value.namesakes.map(({ owner }) => owner).toSorted()).toEqual(['bob', 'eve']);
    expect(await up(await world.replica())).toEqual(first);
    const down = (on: Replica) =>
      demote(on, first.value.record, { owner: 'ana', requestId: 'down' });
    const demoted = await down(replica);
    expect(demoted.value.namesakes.map(({ owner }) => owner)).toEqual(['zoe']);
    await create(replica, { name: 'files', owner: 'kim' });
    expect(await down(await world.replica())).toEqual(demoted);
  });

  it('is as exact where there are more than are told [R3]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value: record } = await create(replica, { name: 'files', owner: 'ana' });
    const users = Array.from({ length: 110 }, (_, at) => `u${String(at)}`);
    const made = await Promise.all(users.map((owner) => create(replica, { name: 'files', owner })));
    const up = (on: Replica) => promote(on, record, { requestId: 'up' });
    const first = await up(replica);
    expect([first.value.namesakes.length, first.value.moreNamesakes]).toEqual([100, true]);
    for (const { value } of made.slice(0, 20)) await remove(replica, value);
    for (const user of users.slice(0, 20)) await create(replica, { name: 'files', owner: user });
    expect(await up(await world.replica())).toEqual(first);
  });
});
