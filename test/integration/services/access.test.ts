import { describe, expect, it } from 'vitest';
import type { ServerRecord } from '../../../src/domain/server.js';
import { MAX_GRANTS } from '../../../src/domain/subjects.js';
import { INVENTORY_VIEW, userView } from '../../../src/domain/view.js';
import { compactTenants } from '../../../src/services/replica/compaction.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import {
  demote,
  grant,
  grantsOf,
  loadManaged,
  promote,
  revoke,
  setAccess,
} from '../../support/services/access.js';
import { apply, itemOf, rollback, told, undelete } from '../../support/services/apply.js';
import {
  create,
  get,
  listed,
  openWorld,
  project,
  remove,
  TENANT,
  tokenOf,
  update,
  type Replica,
} from '../../support/services/world.js';
import { reasonOf } from '../../support/reason-of.js';

useFakeIntervals();

const many = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => `user:u${String(10_000 + at)}`);

const ofBob = async (replica: Replica): Promise<ServerRecord> =>
  (await create(replica, { name: 'files', owner: 'bob' })).value;

const sees = async (replica: Replica, view = userView('ana', ['dev'])): Promise<boolean> =>
  (await reasonOf(get(replica, view, { name: 'files' }))) === 'done';

describe('an access list', () => {
  it('is replaced in one commit, told with who gained and who lost [R5, P4]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const record = await ofBob(replica);
    const first = await setAccess(replica, record, {
      subjects: ['user:zoe', 'group:dev', 'user:bob', 'user:zoe'],
    });
    expect(first.value).toMatchObject({ added: ['group:dev', 'user:zoe'], removed: [] });
    expect(first.value.record).toMatchObject({
      etag: record.etag,
      configHash: record.configHash,
      generation: 1,
      revision: 2,
      lastUpdatedAt: record.lastUpdatedAt,
    });
    const second = await setAccess(replica, first.value.record, {
      subjects: ['user:ana', 'user:zoe'],
      reason: 'zoe stays',
    });
    expect(second.value).toMatchObject({ added: ['user:ana'], removed: ['group:dev'] });
    const { value } = await grantsOf(await world.replica(), record);
    expect(value.grants).toEqual([
      { subject: 'user:ana', revision: 3 },
      { subject: 'user:zoe', revision: 2 },
    ]);
    const { commits } = await world.catalog.log.read(TENANT, 1);
    expect(commits.map(({ cause, reason }) => [cause, reason])).toEqual([
      ['ACCESS', ''],
      ['ACCESS', 'zoe stays'],
    ]);
    expect(commits.map(({ changes }) => changes.length)).toEqual([1, 1]);
  });

  it('made from an old copy is refused, and of several at once one wins [R2, D33]', async () => {
    await using world = await openWorld();
    const [near, far] = [await world.replica(), await world.replica()];
    const record = await ofBob(near);
    const races = [near, far, near, far].map((replica, at) =>
      reasonOf(setAccess(replica, record, { subjects: [`user:u${String(at)}`] })),
    );
    expect((await Promise.all(races)).toSorted()).toEqual([
      ...['ETAG_MISMATCH', 'ETAG_MISMATCH', 'ETAG_MISMATCH', 'done'],
    ]);
    // What people declare has an etag of its own: neither is in the way of the other.
    const { value } = await update(near, record, { specFields: { title: 'x' } });
    expect((await grantsOf(near, value)).value.totalCount).toBe(1);
  });

  it('is made longer and shorter without an etag, by several at once too [P14]', async () => {
    await using world = await openWorld();
    const replicas = [await world.replica(), await world.replica()];
    const record = await ofBob(replicas[0]!);
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const subjects = (name: string) => ({ subjects: [`user:${name}`, 'group:all'] });
    const all = names.map((name, at) => grant(replicas[at % 2]!, record, subjects(name)));
    const added = (await Promise.all(all)).flatMap(({ value }) => value.added);
    expect(added.filter((subject) => subject === 'group:all')).toHaveLength(1);
    expect(added.toSorted()).toEqual(['group:all', ...names.map((name) => `user:${name}`)]);
    const gone = await revoke(replicas[1]!, record, { subjects: ['user:b', 'user:never'] });
    expect(gone.value.removed).toEqual(['user:b']);
    const atLeast = tokenOf(gone.position);
    expect((await grantsOf(replicas[0]!, record, { atLeast })).value.totalCount).toBe(6);
  });

  it('that changes nothing writes nothing [R4]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const record = await ofBob(replica);
    const { value } = await grant(replica, record, { subjects: ['user:ana'] });
    const none = { added: [], removed: [], record: value.record };
    const idle = [
      setAccess(replica, value.record, { subjects: ['user:ana', 'user:bob'] }),
      grant(replica, record, { subjects: ['user:ana', 'user:bob'], requestId: 'r' }),
      revoke(replica, record, { subjects: ['user:zoe'] }),
    ];
    for (const answer of await Promise.all(idle)) expect(answer.value).toEqual(none);
    expect((await world.catalog.log.head(TENANT)).revision).toBe(2);
  });

  it('reaches a subject that was never seen before it asks [R1]', async () => {
    await using world = await openWorld();
    const [near, far] = [await world.replica(), await world.replica()];
    const record = await ofBob(near);
    await listed(far, userView('ana'));
    const { position } = await grant(near, record, { subjects: ['user:ana', 'group:new'] });
    const atLeast = tokenOf(position);
    const views = [userView('ana'), userView('eve', ['new'])];
    for (const view of views)
      expect(await listed(far, view, atLeast)).toEqual(new Map([[record.id, 2]]));
    expect(await listed(far, userView('eve'))).toEqual(new Map());
  });

  it('repeated has the answer of the first, whatever came between [R3, P13]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const record = await ofBob(replica);
    const asks = [
      (on: Replica) => setAccess(on, record, { subjects: ['user:ana'], requestId: 's' }),
      (on: Replica) => grant(on, record, { subjects: ['user:zoe'], requestId: 'g' }),
      (on: Replica) => revoke(on, record, { subjects: ['user:zoe'], requestId: 'r' }),
    ];
    const first = [];
    for (const ask of asks) first.push(await ask(replica));
    await grant(replica, record, { subjects: ['user:zoe'] });
    const fresh = await world.replica();
    for (const [at, ask] of asks.entries()) expect(await ask(fresh)).toEqual(first[at]);
    const other = grant(replica, record, { subjects: ['user:eve'], requestId: 'g' });
    expect(await reasonOf(other)).toBe('REQUEST_ID_REUSED');
  });

  it('only checked tells who would be affected, and writes nothing [R6]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const record = await ofBob(replica);
    const { value } = await grant(replica, record, { subjects: ['user:ana'] });
    const validateOnly = true;
    const set = { subjects: ['user:zoe'], validateOnly };
    expect((await setAccess(replica, value.record, set)).value).toMatchObject({
      added: ['user:zoe'],
      removed: ['user:ana'],
    });
    expect((await grant(replica, record, set)).value.added).toEqual(['user:zoe']);
    const gone = await revoke(replica, record, { subjects: ['user:ana'], validateOnly });
    expect(gone.value.removed).toEqual(['user:ana']);
    expect(await reasonOf(setAccess(replica, record, set))).toBe('ETAG_MISMATCH');
    expect((await world.catalog.log.head(TENANT)).revision).toBe(2);
  });

  it('that is no single commit any more is refused, also when only checked [R6, P5]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const long = (letter: string): readonly string[] =>
      Array.from({ length: 6_000 }, (_, at) => `user:${letter}${String(at)}${'界'.repeat(250)}`);
    const { value } = await grant(replica, await ofBob(replica), { subjects: long('a') });
    for (const validateOnly of [true, false]) {
      const other = setAccess(replica, value.record, { subjects: long('b'), validateOnly });
      expect(await reasonOf(other)).toBe('COMMIT_TOO_LARGE');
    }
    expect((await world.catalog.log.head(TENANT)).revision).toBe(2);
  });

  it('goes with its server when it is deleted, and comes back with it', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const record = await ofBob(replica);
    await grant(replica, record, { subjects: ['group:dev'] });
    const removed = await remove(replica, record);
    expect(removed.value.affected).toEqual({
      everyone: false,
      subjects: ['user:bob', 'group:dev'],
    });
    expect(await reasonOf(grantsOf(replica, record))).toBe('SERVER_NOT_FOUND');
    await undelete(replica, record.id);
    expect((await grantsOf(replica, record)).value.grants).toEqual([
      { subject: 'group:dev', revision: 4 },
    ]);
  });

  it('loses the grant of whom the server is transferred to', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const record = await ofBob(replica);
    const { value } = await grant(replica, record, { subjects: ['user:ana', 'user:zoe'] });
    const moved = (await update(replica, record, { owner: 'ana' })).value;
    expect(moved.accessEtag).not.toBe(value.record.accessEtag);
    const { grants } = (await grantsOf(await world.replica(), record)).value;
    expect(grants).toEqual([{ subject: 'user:zoe', revision: 2 }]);
    expect(await sees(replica, userView('bob'))).toBe(false);
    expect(await sees(replica, userView('ana'))).toBe(true);
    const back = await rollback(replica, moved, { generation: 1 });
    expect(back.value.record.owner).toBe('bob');
    expect(await sees(replica, userView('ana'))).toBe(false);
  });
});

describe('the pages of an access list', () => {
  it('are ordered by subject and of one revision, whatever is written meanwhile [P10]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const record = await ofBob(replica);
    const subjects = ['user:c', 'group:z', 'user:a', 'group:b', 'user:b'];
    const { value } = await grant(replica, record, { subjects });
    const seen: string[] = [];
    let pageToken = '';
    do {
      const answer = await grantsOf(replica, record, { pageSize: 2, pageToken });
      expect(answer.position.revision).toBe(2);
      expect(answer.value).toMatchObject({ totalCount: 5, record: value.record });
      seen.push(...answer.value.grants.map(({ subject }) => subject));
      pageToken = answer.value.nextPageToken;
      await revoke(replica, record, { subjects: ['user:c'] });
      await grant(replica, record, { subjects: ['user:d', 'group:a'] });
    } while (pageToken !== '');
    expect(seen).toEqual(subjects.toSorted());
  });

  it('outlive the server, and end when their revision is no longer held', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const record = await ofBob(replica);
    await grant(replica, record, { subjects: many(3) });
    const first = (await grantsOf(replica, record, { pageSize: 2 })).value;
    await remove(replica, record);
    const pageToken = first.nextPageToken;
    const second = (await grantsOf(replica, record, { pageSize: 2, pageToken })).value;
    expect([...first.grants, ...second.grants].map(({ subject }) => subject)).toEqual(many(3));
    await project(world);
    const fresh = await world.replica();
    expect(await reasonOf(grantsOf(fresh, record, { pageToken }))).toBe('PAGE_EXPIRED');
    await compactTenants(world.catalog, { forMs: 0, commits: 0, everyMs: 1 }, Date.now() + 60_000);
    expect(await reasonOf(grantsOf(fresh, record, { pageToken }))).toBe('PAGE_EXPIRED');
  });

  it('of 10,000 come in the sizes that are asked for, and are nobody for a shared server', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const record = await ofBob(replica);
    await grant(replica, record, { subjects: many(MAX_GRANTS) });
    const size = async (pageSize: number): Promise<number> =>
      (await grantsOf(replica, record, { pageSize })).value.grants.length;
    expect([await size(0), await size(1), await size(10_000), await size(10_001)]).toEqual([
      ...[1_000, 1, MAX_GRANTS, MAX_GRANTS],
    ]);
    expect(await reasonOf(grantsOf(replica, record, { pageSize: -1 }))).toBe('INVALID_FIELD');
    const { value: shared } = await create(replica, { name: 'shared' });
    expect((await grantsOf(replica, shared)).value).toMatchObject({
      grants: [],
      totalCount: 0,
      nextPageToken: '',
      record: shared,
    });
  });

  it('stay below what clients take, however long the subjects are', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const record = await ofBob(replica);
    const long = Array.from({ length: 9_000 }, (_, at) => `user:${String(at).padEnd(250, 'x')}`);
    await grant(replica, record, { subjects: long });
    const page = (await grantsOf(replica, record, { pageSize: 10_000 })).value;
    expect(page.grants.length).toBeLessThan(5_000);
    expect(page.nextPageToken).not.toBe('');
  });

  it('are not those of another list', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const record = await ofBob(replica);
    await grant(replica, record, { subjects: many(2) });
    const { nextPageToken: pageToken } = (await grantsOf(replica, record, { pageSize: 1 })).value;
    const { value: other } = await create(replica, { name: 'other', owner: 'ana' });
    expect(await reasonOf(grantsOf(replica, other, { pageToken }))).toBe('INVALID_FIELD');
    expect(await reasonOf(grantsOf(replica, record, { pageToken: 'x' }))).toBe('INVALID_FIELD');
  });
});

describe('access', () => {
  it('is to servers that have any', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value: shared } = await create(replica, { name: 'shared' });
    const subjects = ['user:ana'];
    const all = (record: ServerRecord): Promise<readonly string[]> =>
      Promise.all([
        reasonOf(setAccess(replica, record, { subjects })),
        reasonOf(grant(replica, record, { subjects })),
        reasonOf(revoke(replica, record, { subjects })),
      ]);
    expect(await all(shared)).toEqual(Array(3).fill('WRONG_TIER'));
    expect(await all({ ...shared, id: 'never' })).toEqual(Array(3).fill('SERVER_NOT_FOUND'));
    expect(await all({ ...shared, id: ' ' })).toEqual(Array(3).fill('INVALID_FIELD'));
  });

  it('of 10,001 subjects is refused in every way, and nothing is changed', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const record = await ofBob(replica);
    const tooMany = many(MAX_GRANTS + 1);
    expect(await reasonOf(setAccess(replica, record, { subjects: tooMany }))).toBe('INVALID_FIELD');
    expect(await reasonOf(grant(replica, record, { subjects: tooMany }))).toBe('INVALID_FIELD');
    await grant(replica, record, { subjects: many(MAX_GRANTS) });
    expect(await reasonOf(grant(replica, record, { subjects: ['user:ana'] }))).toBe(
      'TOO_MANY_GRANTS',
    );
    expect((await world.catalog.log.head(TENANT)).revision).toBe(2);
  });
});

describe('a server of a private source', () => {
  it('can be changed in no way but by its source, and seen as any other', async () => {
    await using world = await openWorld();
    const record = await loadManaged(world.catalog, { name: 'files', owner: 'ana' });
    const replica = await world.replica();
    const subjects = ['user:zoe'];
    const refused = await Promise.all([
      reasonOf(setAccess(replica, record, { subjects })),
      reasonOf(grant(replica, record, { subjects })),
      reasonOf(revoke(replica, record, { subjects })),
      reasonOf(update(replica, record, { specFields: { title: 'x' } })),
      reasonOf(update(replica, record, { owner: 'bob' })),
      reasonOf(rollback(replica, record, { generation: 1 })),
      reasonOf(remove(replica, record)),
    ]);
    expect(refused).toEqual(Array(7).fill('MANAGED_BY_SOURCE'));
    const applied = await apply(replica, [itemOf({ name: 'files', owner: 'ana', title: 'x' })], {
      takeOver: true,
    });
    expect(told(applied)).toEqual(['refused MANAGED_BY_SOURCE']);
    const taken = create(replica, { name: 'files', owner: 'ana' });
    expect(await reasonOf(taken)).toBe('NAME_TAKEN');
    expect((await grantsOf(replica, record)).value).toMatchObject({ grants: [], record });
    expect((await get(replica, userView('ana'), { name: 'files' })).value.record).toEqual(record);
    expect((await world.catalog.log.head(TENANT)).revision).toBe(1);
  });

  it('is promoted by a copy, which shadows it until it is gone [P28]', async () => {
    await using world = await openWorld();
    const record = await loadManaged(world.catalog, { name: 'files', owner: 'ana' });
    const replica = await world.replica();
    const checked = await promote(replica, record, { policy: 'fail', validateOnly: true });
    expect(checked.value.record).toMatchObject({ id: '', etag: '', tier: 'USER' });
    const { value } = await promote(replica, record, { policy: 'fail' });
    expect(value.namesakes).toEqual([record]);
    const copy = value.record;
    expect(copy.id).not.toBe(record.id);
    expect(copy).toMatchObject({ name: 'files', tier: 'USER', externalId: '', spec: record.spec });
    const found = (await get(replica, userView('ana'), { name: 'files' })).value.record;
    expect(found).toEqual(copy);
    const original = (await get(replica, INVENTORY_VIEW, { id: record.id })).value.record;
    expect(original).toEqual(record);
    expect(await reasonOf(demote(replica, copy, { owner: 'ana' }))).toBe('NAME_TAKEN');
    const other = await demote(replica, copy, { owner: 'ana', name: 'files-2' });
    expect(other.value.namesakes).toEqual([record]);
    expect([...(await listed(replica, userView('ana'))).keys()].toSorted()).toEqual(
      [copy.id, record.id].toSorted(),
    );
  });
});
