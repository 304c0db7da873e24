import { describe, expect, it } from 'vitest';
import { SwitchboardError } from '../../../src/domain/errors.js';
import { INVENTORY_VIEW, userView } from '../../../src/domain/view.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import { eventually } from '../../support/eventually.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import { apply, brokenItem, itemOf, told } from '../../support/services/apply.js';
import {
  create,
  get,
  listed,
  openNode,
  openWorld,
  page,
  remove,
  TENANT,
  tokenOf,
  update,
  watch,
} from '../../support/services/world.js';
import type { SyncFrame, WatchFrame } from '../../support/services/encoders.js';
import { decodeFrames } from '../../support/services/sinks.js';
import { readLog } from '../../support/storage/builders.js';
import { withMethods } from '../../support/storage/reads.js';
import { reasonOf } from '../../support/reason-of.js';

useFakeIntervals();

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

const revisionOf = async (catalog: Catalog): Promise<number> =>
  (await catalog.log.head(TENANT)).revision;

const SET = ['a', 'b', 'c'].map((name) => itemOf({ name }));

describe('a set', () => {
  it('makes its servers what it declares; applied again it changes nothing and tells nobody [R4]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { sink, live } = watch(replica, userView('ana'));
    await live;
    const first = await apply(replica, SET, { reason: 'why' });
    expect(told(first)).toEqual(['created a', 'created b', 'created c']);
    const commits = await readLog(world.catalog, TENANT);
    expect(commits.map(({ cause, actor, reason }) => ({ cause, actor, reason }))).toEqual(
      Array(3).fill({ cause: 'APPLY', actor: 'anonymous', reason: 'why' }),
    );
    const sent = sink.frames.length;
    const again = await apply(replica, SET);
    expect(told(again)).toEqual(['unchanged a', 'unchanged b', 'unchanged c']);
    expect(again.value.results.map(({ record }) => record)).toEqual(
      first.value.results.map(({ record }) => record),
    );
    expect(await revisionOf(world.catalog)).toBe(3);
    expect(sink.frames).toHaveLength(sent);
  });

  it('shares appends, and answers the token of its newest write [R1, P12]', async () => {
    await using world = await openWorld();
    let appends = 0;
    const catalog: Catalog = withMethods(world.catalog, {
      append: (...args) => {
        appends += 1;
        return world.catalog.log.append(...args);
      },
    });
    const replica = await world.replica({ catalog });
    const far = await world.replica();
    await listed(far, INVENTORY_VIEW);
    const { position } = await apply(
      replica,
      upTo(200).map((n) => itemOf({ name: `n${String(n)}` })),
    );
    expect(position.revision).toBe(200);
    expect(appends).toBeLessThanOrEqual(8);
    expect((await listed(far, userView('ana'), tokenOf(position))).size).toBe(200);
  });

  it('is answered item by item: what is wrong with one stops no other [C7]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value: mine } = await create(replica, { name: 'mine' });
    await apply(replica, [itemOf({ name: 'theirs' })], { set: 'other' });
    await create(replica, { name: 'raced' });
    const applied = await apply(replica, [
      itemOf({ name: 'new' }),
      itemOf({ name: 'a/b' }),
      itemOf({ name: 'mine', title: 'adopted' }),
      itemOf({ name: 'theirs' }),
      brokenItem('mine'),
      itemOf({ name: 'raced' }, 'old etag'),
      itemOf({ name: 'own', owner: 'ana' }),
      itemOf({ name: 'own', owner: '' }),
      itemOf({ name: 'last' }),
    ]);
    expect(told(applied)).toEqual([
      'created new',
      'refused INVALID_FIELD',
      'updated mine',
      'refused OTHER_SET',
      'refused INVALID_FIELD',
      'refused ETAG_MISMATCH',
      'created own',
      'refused INVALID_FIELD',
      'created last',
    ]);
    expect(applied.value.applied).toBe(true);
    const { results } = applied.value;
    expect(results[2]?.redeclared).toMatchObject({ before: mine, after: { set: 'set' } });
    // A refused item names the server that it is about, if there is one.
    expect(results.map(({ record }) => record?.name)).toEqual([
      ...['new', undefined, 'mine', 'theirs', 'mine', 'raced', 'own', undefined, 'last'],
    ]);
  });

  it('takes over from another set only if asked to', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    await apply(replica, [itemOf({ name: 'a' })], { set: 'other' });
    expect(told(await apply(replica, [itemOf({ name: 'a' })]))).toEqual(['refused OTHER_SET']);
    const taken = await apply(replica, [itemOf({ name: 'a' })], { takeOver: true });
    expect(told(taken)).toEqual(['updated a']);
    expect(told(await apply(replica, [itemOf({ name: 'a' })]))).toEqual(['unchanged a']);
    const back = await apply(replica, [itemOf({ name: 'a' })], { set: 'other' });
    expect(told(back)).toEqual(['refused OTHER_SET']);
  });

  it('matches PRIVATE servers by owner, never a shared one, and finds them cold', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const shared = await create(replica, { name: 'files' });
    const { value: anas } = await create(replica, { name: 'files', owner: 'ana' });
    const cold = await world.replica();
    const applied = await apply(cold, [
      itemOf({ name: 'files', owner: 'ana', title: 'new' }),
      itemOf({ name: 'files', owner: 'bob' }),
    ]);
    expect(told(applied)).toEqual(['updated files', 'created files']);
    expect(applied.value.results[0]?.record?.id).toBe(anas.id);
    const { value } = await get(cold, INVENTORY_VIEW, { id: shared.value.id });
    expect(value.record).toEqual(shared.value);
  });

  it('keeps its set through other changes, and lets them differ only until it is applied', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const applied = await apply(replica, [itemOf({ name: 'a' })]);
    const changed = await update(replica, applied.value.results[0]!.record!, {
      specFields: { title: 'by hand' },
    });
    expect(changed.value.set).toBe('set');
    expect(told(await apply(replica, [itemOf({ name: 'a' })]))).toEqual(['updated a']);
  });
});

describe('what a set no longer has', () => {
  it('is left, and with prune deleted after the others, grants and all', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    await create(replica, { name: 'by hand' });
    await apply(replica, [...SET, itemOf({ name: 'own', owner: 'ana' })]);
    const kept = [itemOf({ name: 'b' }), itemOf({ name: 'new' })];
    expect(told(await apply(replica, kept))).toEqual([
      ...['unchanged b', 'created new'],
      ...['left a', 'left c', 'left own'],
    ]);
    const cold = await world.replica();
    const pruned = await apply(cold, kept, { prune: true });
    expect(told(pruned)).toEqual([
      ...['unchanged b', 'unchanged new'],
      ...['deleted a', 'deleted c', 'deleted own'],
    ]);
    const names = (await page(replica, INVENTORY_VIEW, { atLeast: tokenOf(pruned.position) }))
      .value;
    expect(names.servers.map(({ record }) => record.name).toSorted()).toEqual([
      ...['b', 'by hand', 'new'],
    ]);
    expect(told(await apply(cold, kept, { prune: true }))).toEqual([
      'unchanged b',
      'unchanged new',
    ]);
  });

  it('stays where a broken item has its name', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    await apply(replica, SET);
    const pruned = await apply(replica, [brokenItem('b'), itemOf({ name: 'c' })], { prune: true });
    expect(told(pruned)).toEqual(['refused INVALID_FIELD', 'unchanged c', 'deleted a']);
  });

  it('is not deleted once it belongs to another set', async () => {
    await using world = await openWorld();
    const [near, far] = [await world.replica(), await world.replica()];
    await apply(near, SET);
    const catalog: Catalog = withMethods(world.catalog, {
      serversOfSet: async (...args) => {
        const members = await world.catalog.projections.serversOfSet(...args);
        await apply(near, [itemOf({ name: 'a' })], { set: 'other', takeOver: true });
        return members;
      },
    });
    const racing = await world.replica({ catalog });
    const pruned = await apply(racing, [itemOf({ name: 'c' })], { prune: true });
    expect(told(pruned)).toEqual(['unchanged c', 'deleted b']);
    expect(
      (await get(far, userView('ana'), { name: 'a' }, tokenOf(pruned.position))).value.record,
    ).toMatchObject({ set: 'other' });
  });

  it('is deleted in several commits where one would be large [P5]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const text = 'x'.repeat(90_000);
    const spec = { instructions: { kind: 'text', text } } as const;
    await apply(
      replica,
      upTo(30).map((n) => itemOf({ name: `n${String(n)}`, spec })),
    );
    const pruned = await apply(replica, [], { prune: true, requestId: 'r' });
    expect(pruned.value.results.map(({ action }) => action)).toEqual(Array(30).fill('deleted'));
    const deletions = (await readLog(world.catalog, TENANT, 30)).map(
      ({ changes }) => changes.length,
    );
    expect(deletions.length).toBeGreaterThan(1);
    expect(deletions.reduce((sum, one) => sum + one, 0)).toBe(30);
    const again = await apply(replica, [], { prune: true, requestId: 'r' });
    expect(again).toEqual(pruned);
  });
});

describe('an apply that is repeated with its request id', () => {
  const MORE = { prune: true, requestId: 'r' };

  it('has the effect and the answers of the first [R3, P13]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    await apply(replica, [itemOf({ name: 'old' }), itemOf({ name: 'changed' })]);
    const set = [...SET, itemOf({ name: 'changed', title: 'new' })];
    const first = await apply(replica, set, MORE);
    expect(told(first)).toEqual([
      ...['created a', 'created b', 'created c', 'updated changed', 'deleted old'],
    ]);
    const revision = await revisionOf(world.catalog);
    // Whatever became of the servers since, also at another replica.
    await remove(replica, first.value.results[0]!.record!);
    const again = await apply(await world.replica(), set, MORE);
    expect(again.value).toEqual(first.value);
    expect(await revisionOf(world.catalog)).toBe(revision + 1);
  });

  it('completes what was interrupted, each item once [R3, P13, F1]', async () => {
    await using world = await openWorld();
    let left = 3;
    const catalog: Catalog = withMethods(world.catalog, {
      append: async (...args) => {
        left -= 1;
        if (left < 0) throw new SwitchboardError('NOT_WRITTEN', 'the store is gone');
        return world.catalog.log.append(...args);
      },
    });
    const set = upTo(700).map((n) => itemOf({ name: `n${String(n)}` }));
    const interrupted = await apply(await world.replica({ catalog }), set, { requestId: 'r' });
    const refused = interrupted.value.results.filter(
      ({ error }) => error?.reason === 'NOT_WRITTEN',
    );
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(700);
    const completed = await apply(await world.replica(), set, { requestId: 'r' });
    expect(completed.value.results.map(({ action }) => action)).toEqual(Array(700).fill('created'));
    expect(await revisionOf(world.catalog)).toBe(700);
    for (const [index, { action, record }] of interrupted.value.results.entries()) {
      if (action === 'created') expect(completed.value.results[index]?.record).toEqual(record);
    }
  });

  it('is refused as a whole with another set, and by another method [R3]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    await apply(replica, SET, MORE);
    const other = apply(replica, [itemOf({ name: 'z' }), itemOf({ name: 'a', title: 'x' })], MORE);
    expect(await reasonOf(other)).toBe('REQUEST_ID_REUSED');
    const together = apply(replica, SET, { ...MORE, allOrNothing: true });
    expect(await reasonOf(together)).toBe('REQUEST_ID_REUSED');
    await create(replica, { name: 'created' }, { requestId: 's' });
    expect(await reasonOf(apply(replica, SET, { requestId: 's' }))).toBe('REQUEST_ID_REUSED');
    expect(await revisionOf(world.catalog)).toBe(4);
  });

  it('has one effect when both are under way at once [R3]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    await apply(replica, [itemOf({ name: 'old' })]);
    const [one, other] = await Promise.all([apply(replica, SET, MORE), apply(replica, SET, MORE)]);
    expect(one.value).toEqual(other.value);
    expect(await revisionOf(world.catalog)).toBe(1 + 3 + 1);
  });

  it('gives a name that is there twice to the first only', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const twice = await apply(replica, [itemOf({ name: 'a' }), itemOf({ name: 'a' })], MORE);
    expect(told(twice)).toEqual(['created a', 'refused INVALID_FIELD']);
  });
});

describe('all or nothing', () => {
  const ALL = { allOrNothing: true, prune: true };

  it('is one commit, deletions included, and one step for those who watch [R5, W4]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const views = [userView('ana'), INVENTORY_VIEW];
    await apply(replica, [itemOf({ name: 'old' }), itemOf({ name: 'b', title: 'old' })]);
    const watched = await Promise.all(
      views.map(async (view) => {
        const { sink, live } = watch(replica, view);
        await live;
        return { sink, from: sink.frames.length };
      }),
    );
    const node = openNode(replica, new Map([['s', userView('ana')]]));
    await eventually(() => {
      expect(decodeFrames<SyncFrame>(node.sink).at(-1)?.kind).toBe('synced');
    });
    const nodeFrom = node.sink.frames.length;
    const set = [...SET, itemOf({ name: 'own', owner: 'ana' })];
    const applied = await apply(replica, set, ALL);
    expect(told(applied)).toEqual([
      ...['created a', 'updated b', 'created c', 'created own', 'deleted old'],
    ]);
    expect(applied.value.applied).toBe(true);
    expect(await revisionOf(world.catalog)).toBe(3);
    for (const { sink, from } of watched) {
      const frames = decodeFrames<WatchFrame>(sink).slice(from);
      const events = frames.flatMap((frame) => (frame.kind === 'event' ? [frame] : []));
      expect(events.map(({ type, cause }) => `${type} ${String(cause)}`).toSorted()).toEqual([
        ...['added APPLY', 'added APPLY', 'added APPLY', 'modified APPLY', 'removed APPLY'],
      ]);
      expect(frames.map(({ kind }) => kind)).toEqual([
        ...Array<string>(5).fill('event'),
        'closing',
      ]);
    }
    const frames = decodeFrames<SyncFrame>(node.sink).slice(nodeFrom);
    expect(frames.map(({ kind }) => kind)).toEqual(['changes', 'changes', 'closing']);
    const changed = frames.flatMap((frame) => (frame.kind === 'changes' ? frame.changes : []));
    expect(changed.map(({ kind }) => kind)).toEqual([
      'upsert',
      'upsert',
      'upsert',
      'removed',
      'upsert',
    ]);
  });

  it('is nothing if one item is refused, and says which [R6]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    await apply(replica, [
      itemOf({ name: 'old' }),
      itemOf({ name: 'same' }),
      itemOf({ name: 'b' }),
    ]);
    await apply(replica, [itemOf({ name: 'theirs' })], { set: 'other' });
    const before = await revisionOf(world.catalog);
    const set = [
      ...[itemOf({ name: 'a' }), itemOf({ name: 'theirs' }), itemOf({ name: 'same' })],
      itemOf({ name: 'b', title: 'new' }),
    ];
    const applied = await apply(replica, set, { ...ALL, requestId: 'r' });
    expect(told(applied)).toEqual([
      ...['held_back a', 'refused OTHER_SET', 'unchanged same', 'held_back b', 'held_back old'],
    ]);
    expect(applied.value.applied).toBe(false);
    const [a, , , b] = applied.value.results;
    expect(a?.record).toMatchObject({ id: '', etag: '' });
    // As it is, beside what would have changed.
    expect(b?.record?.spec.title).toBe('');
    expect(b?.redeclared?.after.spec.title).toBe('new');
    expect(await revisionOf(world.catalog)).toBe(before);
    // It took no request id: what was in the way is gone, and the same is tried again.
    const retried = await apply(replica, set, { ...ALL, requestId: 'r', takeOver: true });
    expect(retried.value.applied).toBe(true);
  });

  it('repeated has the answer of the first [R3, P13]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    await apply(replica, [itemOf({ name: 'old' }), itemOf({ name: 'b' })]);
    const more = { ...ALL, requestId: 'r' };
    const first = await apply(replica, SET, more);
    expect(told(first)).toEqual(['created a', 'unchanged b', 'created c', 'deleted old']);
    await remove(replica, first.value.results[0]!.record!);
    const again = await apply(await world.replica(), SET, more);
    expect(again).toEqual(first);
    expect(await revisionOf(world.catalog)).toBe(4);
  });

  it('knows the private servers that it is about, also of a cold replica [P11]', async () => {
    await using world = await openWorld();
    const anas = itemOf({ name: 'files', owner: 'ana' });
    await apply(await world.replica(), [anas, itemOf({ name: 'files', owner: 'bob' })]);
    const changed = itemOf({ name: 'files', owner: 'ana', title: 'new' });
    const checked = await apply(await world.replica(), [changed], { ...ALL, validateOnly: true });
    const applied = await apply(await world.replica(), [changed], ALL);
    for (const answer of [checked, applied])
      expect(told(answer)).toEqual(['updated files', 'deleted files']);
    expect(await revisionOf(world.catalog)).toBe(3);
  });

  it('that changes nothing makes no commit [R4]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    await apply(replica, SET, ALL);
    const again = await apply(replica, SET, { ...ALL, requestId: 'r' });
    expect(told(again)).toEqual(['unchanged a', 'unchanged b', 'unchanged c']);
    expect(again.value.applied).toBe(true);
    expect(await revisionOf(world.catalog)).toBe(1);
  });

  it('of more than a commit can hold is refused as a whole, checked or not [P5, R6]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const text = 'x'.repeat(90_000);
    const spec = { instructions: { kind: 'text', text } } as const;
    const set = upTo(100).map((n) => itemOf({ name: `n${String(n)}`, spec }));
    expect(await reasonOf(apply(replica, set, ALL))).toBe('COMMIT_TOO_LARGE');
    const checked = apply(replica, set, { ...ALL, validateOnly: true });
    expect(await reasonOf(checked)).toBe('COMMIT_TOO_LARGE');
    expect(await revisionOf(world.catalog)).toBe(0);
    const each = await apply(replica, set);
    expect(each.value.results.every(({ action }) => action === 'created')).toBe(true);
  });

  it('that cannot be written says so as a whole [R3]', async () => {
    await using world = await openWorld();
    const catalog: Catalog = withMethods(world.catalog, {
      append: () => Promise.reject(new SwitchboardError('CATALOG_UNAVAILABLE')),
    });
    const replica = await world.replica({ catalog });
    expect(await reasonOf(apply(replica, SET, ALL))).toBe('OUTCOME_UNKNOWN');
    const each = await apply(replica, SET);
    expect(told(each)).toEqual(Array(3).fill('refused OUTCOME_UNKNOWN'));
  });
});

describe('a check of a set', () => {
  it('tells what would be done and writes nothing [R6]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    await apply(replica, [itemOf({ name: 'old' }), itemOf({ name: 'b' }), itemOf({ name: 'c' })]);
    const before = await revisionOf(world.catalog);
    const set = [itemOf({ name: 'a' }), itemOf({ name: 'b', title: 'new' }), itemOf({ name: 'c' })];
    const more = { prune: true, validateOnly: true, requestId: 'r' };
    const checked = await apply(replica, [...set, brokenItem('z')], more);
    const due = ['created a', 'updated b', 'unchanged c', 'refused INVALID_FIELD', 'deleted old'];
    expect(told(checked)).toEqual(due);
    expect(checked.value).toMatchObject({ applied: true });
    expect(checked.value.results[0]?.record).toMatchObject({ id: '', etag: '', accessEtag: '' });
    expect(checked.value.results[1]?.redeclared?.after.spec.title).toBe('new');
    expect(await revisionOf(world.catalog)).toBe(before);
    // What it tells is what is then done.
    expect(told(await apply(replica, [...set, brokenItem('z')], { prune: true }))).toEqual(due);
  });

  it('is made at the confirmed head, also by a replica that lags [P11]', async () => {
    await using world = await openWorld();
    const [near, far] = [await world.replica(), await world.replica()];
    await listed(far, INVENTORY_VIEW);
    await apply(near, SET);
    const checked = await apply(far, SET, { validateOnly: true });
    expect(told(checked)).toEqual(['unchanged a', 'unchanged b', 'unchanged c']);
    expect(told(await apply(far, SET))).toEqual(['unchanged a', 'unchanged b', 'unchanged c']);
  });
});

describe('an apply', () => {
  it('says what of the request itself is wrong', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    for (const more of [
      { set: '' },
      { set: 'x'.repeat(513) },
      { set: 'a\nb' },
      { requestId: 'x'.repeat(129) },
      { reason: 'x'.repeat(1_001) },
    ]) {
      expect(await reasonOf(apply(replica, SET, more))).toBe('INVALID_FIELD');
    }
    expect(await revisionOf(world.catalog)).toBe(0);
  });
});
