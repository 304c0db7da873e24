import { describe, expect, it } from 'vitest';
import {
  decideCreate,
  decideDelete,
  type Decision,
  type DecisionContext,
} from '../../../src/domain/commands/decide.js';
import { NO_FAILPOINT } from '../../../src/domain/failpoint.js';
import type { ServerRecord } from '../../../src/domain/server.js';
import { INVENTORY_VIEW, userView } from '../../../src/domain/view.js';
import { Committer } from '../../../src/services/commit/committer.js';
import { compactTenants } from '../../../src/services/replica/compaction.js';
import { TenantState } from '../../../src/services/replica/tenant-state.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import { changeAccess } from '../../support/commits/commits.js';
import { apply, itemOf, rollback, undelete, versions } from '../../support/services/apply.js';
import {
  create,
  declarationFor,
  get,
  openWorld,
  remove,
  TENANT,
  tokenOf,
  update,
  watch,
} from '../../support/services/world.js';
import type { WatchFrame } from '../../support/services/encoders.js';
import { decodeFrames } from '../../support/services/sinks.js';
import { withMethods } from '../../support/storage/reads.js';
import { reasonOf } from '../../support/reason-of.js';
import { OPEN_POLICY } from '../../support/transport-policy.js';

useFakeIntervals();

const revisionOf = async (catalog: Catalog): Promise<number> =>
  (await catalog.log.head(TENANT)).revision;

const titled = (title: string) => ({ specFields: { title } });

describe('the versions of a server', () => {
  it('tell every change of what is declared, who made it and why, newest first [D33]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value: first } = await create(replica, { name: 'files' }, { reason: 'new' });
    const { value: second } = await update(replica, first, { ...titled('x'), reason: 'titled' });
    await apply(replica, [itemOf({ name: 'files' })], { reason: 'from a file' });
    const { record } = (await get(replica, INVENTORY_VIEW, { id: first.id })).value;
    await remove(replica, record, { reason: 'gone' });
    await undelete(replica, first.id, { reason: 'back' });
    const { value, position } = await versions(replica, first.id);
    expect(position.revision).toBe(5);
    expect(
      value.steps.map(({ version }) => [version.generation, version.cause, version.reason]),
    ).toEqual([
      [5, 'UNDELETE', 'back'],
      [4, 'DELETE', 'gone'],
      [3, 'APPLY', 'from a file'],
      [2, 'UPDATE', 'titled'],
      [1, 'CREATE', 'new'],
    ]);
    const steps = value.steps.map(({ version, previous }) => [
      version.declared?.spec.title,
      previous?.generation,
    ]);
    expect(steps).toEqual([
      ['', 4],
      [undefined, 3],
      ['', 2],
      ['x', 1],
      ['', undefined],
    ]);
    expect(value.steps[3]?.version.etag).toBe(second.etag);
  });

  it('come page by page, whatever is added meanwhile', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    let { value: record } = await create(replica, { name: 'files' });
    const change = async (title: string): Promise<void> => {
      ({ value: record } = await update(replica, record, titled(title)));
    };
    for (const title of ['2', '3', '4', '5']) await change(title);
    const seen: number[][] = [];
    let pageToken = '';
    do {
      const { value } = await versions(replica, record.id, { pageSize: 2, pageToken });
      seen.push(value.steps.map(({ version }) => version.generation));
      // The last of a page knows what it followed, too.
      for (const { version, previous } of value.steps)
        expect(previous?.generation ?? 0).toBe(version.generation - 1);
      pageToken = value.nextPageToken;
      await change(`more ${pageToken}`);
    } while (pageToken !== '');
    expect(seen).toEqual([[5, 4], [3, 2], [1]]);
  });

  it('outlive the log [P3]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value } = await create(replica, { name: 'files' });
    await remove(replica, (await update(replica, value, titled('x'))).value);
    const long = { forMs: 0, commits: 0, everyMs: 1 };
    await compactTenants(world.catalog, long, Date.now() + 60_000);
    expect((await world.catalog.log.read(TENANT, 0)).mark).toBe(3);
    const fresh = await world.replica();
    const told = (await versions(fresh, value.id)).value.steps;
    expect(told.map(({ version }) => version.cause)).toEqual(['DELETE', 'UPDATE', 'CREATE']);
    const { value: back } = await undelete(fresh, value.id);
    expect(back.spec.title).toBe('x');
    const rolled = await rollback(fresh, back, { generation: 1 });
    expect(rolled.value.record.spec.title).toBe('');
  });

  it('are of servers that are or were', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value } = await create(replica, { name: 'files' });
    expect(await reasonOf(versions(replica, 'never'))).toBe('SERVER_NOT_FOUND');
    expect(await reasonOf(versions(replica, ' '))).toBe('INVALID_FIELD');
    expect(await reasonOf(versions(replica, value.id, { pageSize: -1 }))).toBe('INVALID_FIELD');
    const other = await create(replica, { name: 'mail' });
    await update(replica, other.value, titled('x'));
    const { nextPageToken } = (await versions(replica, other.value.id, { pageSize: 1 })).value;
    for (const pageToken of ['x', nextPageToken, Buffer.from('[1').toString('base64url')]) {
      expect(await reasonOf(versions(replica, value.id, { pageToken }))).toBe('INVALID_FIELD');
    }
  });
});

describe('a rollback', () => {
  async function withVersions(replica: Parameters<typeof create>[0]) {
    const { value: first } = await create(replica, { name: 'files' });
    const { value: second } = await update(replica, first, { fields: { name: 'docs' } });
    const { value: third } = await update(replica, second, titled('x'));
    return { first, second, third };
  }

  it('makes an older version the newest, and watchers see it changed [W1]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { first, third } = await withVersions(replica);
    const { sink, live } = watch(replica, userView('ana'));
    await live;
    const from = sink.frames.length;
    const { value, position } = await rollback(replica, third, { generation: 1, reason: 'bad' });
    expect(value.record).toMatchObject({
      id: first.id,
      name: 'files',
      generation: 4,
      spec: first.spec,
    });
    expect(value.before).toMatchObject({ name: 'docs', spec: { title: 'x' } });
    expect(value.record.etag).not.toBe(first.etag);
    expect(position.revision).toBe(4);
    const [event, closing] = decodeFrames<WatchFrame>(sink).slice(from);
    expect([event, closing?.kind]).toMatchObject([
      { kind: 'event', type: 'modified', id: first.id, cause: 'ROLLBACK', version: 4 },
      'closing',
    ]);
    expect((await versions(replica, first.id)).value.steps[0]?.version).toMatchObject({
      generation: 4,
      cause: 'ROLLBACK',
      reason: 'bad',
    });
  });

  it('to what is declared already writes nothing [R4]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { third } = await withVersions(replica);
    const same = await rollback(replica, third, { generation: 3, requestId: 'r' });
    expect(same.value).toEqual({ record: third, before: third });
    const old = rollback(replica, { id: third.id, etag: 'old' }, { generation: 3 });
    expect(await reasonOf(old)).toBe('ETAG_MISMATCH');
    expect(await revisionOf(world.catalog)).toBe(3);
  });

  it('leaves the set alone: who manages it now goes on to', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { third } = await withVersions(replica);
    const [adopted] = (await apply(replica, [itemOf({ name: third.name, title: 'set' })])).value
      .results;
    const { value } = await rollback(replica, adopted!.record!, { generation: 3 });
    expect(value.record).toMatchObject({ spec: { title: 'x' }, set: 'set' });
  });

  it('is refused for what it cannot return to', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { first, third } = await withVersions(replica);
    const to = (generation: number, target: Pick<ServerRecord, 'id' | 'etag'> = third) =>
      reasonOf(rollback(replica, target, { generation }));
    expect(await to(9)).toBe('VERSION_NOT_FOUND');
    expect(await to(Number.MAX_SAFE_INTEGER)).toBe('VERSION_NOT_FOUND');
    expect(await to(0)).toBe('INVALID_FIELD');
    expect(await to(1, { id: third.id, etag: '' })).toBe('INVALID_FIELD');
    expect(await to(1, { id: 'never', etag: 'e' })).toBe('SERVER_NOT_FOUND');
    await create(replica, { name: 'files' });
    expect(await to(1)).toBe('NAME_TAKEN');
    await remove(replica, third);
    expect(await to(2)).toBe('SERVER_NOT_FOUND');
    const { value: back } = await undelete(replica, first.id);
    expect(await to(4, back)).toBe('VERSION_NOT_FOUND');
    expect(await to(2, back)).toBe('done');
  });

  it('may return a private server to its former owner, unless that one has the name', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value: anas } = await create(replica, { name: 'files', owner: 'ana' });
    const { value: bobs } = await update(replica, anas, { owner: 'bob' });
    await create(replica, { name: 'files', owner: 'ana' });
    // Of a replica that has neither of them in its view.
    const cold = await world.replica();
    expect(await reasonOf(rollback(cold, bobs, { generation: 1 }))).toBe('NAME_TAKEN');
    const { value: zoes } = await update(replica, bobs, { owner: 'zoe' });
    const { value } = await rollback(await world.replica(), zoes, { generation: 2 });
    expect(value.record.owner).toBe('bob');
  });

  it('repeated has the answer of the first; checked only it writes nothing [R3, R6]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { third } = await withVersions(replica);
    const more = { generation: 1, requestId: 'r' };
    const checked = await rollback(replica, third, { ...more, validateOnly: true });
    expect(checked.value.record).toMatchObject({ name: 'files' });
    expect(await revisionOf(world.catalog)).toBe(3);
    const first = await rollback(replica, third, more);
    await update(replica, first.value.record, titled('y'));
    expect(await rollback(await world.replica(), third, more)).toMatchObject(first);
    const reused = rollback(replica, third, { ...more, generation: 2 });
    expect(await reasonOf(reused)).toBe('REQUEST_ID_REUSED');
  });

  it('of one etag succeeds once, however many try [R2]', async () => {
    await using world = await openWorld();
    const replicas = [await world.replica(), await world.replica()];
    const { third } = await withVersions(replicas[0]!);
    const tries = [1, 2, 1, 2].map((generation, index) =>
      reasonOf(rollback(replicas[index % 2]!, third, { generation })),
    );
    expect((await Promise.all(tries)).toSorted()).toEqual([
      ...['ETAG_MISMATCH', 'ETAG_MISMATCH', 'ETAG_MISMATCH', 'done'],
    ]);
  });
});

describe('an undelete', () => {
  it('puts back the server with its id and its grants, and all see it again [W9]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value: record } = await create(replica, { name: 'files', owner: 'ana', title: 'x' });
    const { id } = record;
    await changeAccess(world.catalog, { tenant: TENANT, id }, { grant: ['group:dev', 'user:bob'] });
    const views = [userView('ana'), userView('bob'), userView('zoe', ['dev']), INVENTORY_VIEW];
    const watched = views.map((view) => watch(replica, view));
    await Promise.all(watched.map(({ live }) => live));
    const before = (await get(replica, INVENTORY_VIEW, { id })).value;
    await remove(replica, before.record);
    const { value: back, position } = await undelete(replica, id, { reason: 'oops' });
    expect(back).toMatchObject({
      id,
      name: 'files',
      owner: 'ana',
      spec: record.spec,
      set: '',
      createTime: record.createTime,
      generation: 3,
      factsEtag: '',
      revision: 4,
    });
    expect(back.etag).not.toBe(record.etag);
    expect(back.lastUpdatedAt).toBeGreaterThan(record.lastUpdatedAt);
    const { value: stored } = await get(replica, INVENTORY_VIEW, { id }, tokenOf(position));
    expect(stored.grants).toEqual([
      { subject: 'group:dev', revision: 4 },
      { subject: 'user:bob', revision: 4 },
    ]);
    for (const { sink } of watched) {
      const frames = decodeFrames<WatchFrame>(sink).flatMap((frame) =>
        frame.kind === 'event' && frame.cause !== undefined ? [`${frame.type} ${frame.cause}`] : [],
      );
      expect(frames.slice(-2)).toEqual(['removed DELETE', 'added UNDELETE']);
    }
    expect(await reasonOf(get(replica, userView('eve'), { id }))).toBe('SERVER_NOT_FOUND');
  });

  it('is refused for what is there, never was, or has lost its name', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value } = await create(replica, { name: 'files' });
    expect(await reasonOf(undelete(replica, value.id))).toBe('NOT_DELETED');
    expect(await reasonOf(undelete(replica, 'never'))).toBe('SERVER_NOT_FOUND');
    expect(await reasonOf(undelete(replica, ''))).toBe('INVALID_FIELD');
    await remove(replica, value);
    const { value: other } = await create(replica, { name: 'files' });
    const cold = await world.replica();
    expect(await reasonOf(undelete(cold, value.id))).toBe('NAME_TAKEN');
    await remove(replica, other);
    expect(await reasonOf(undelete(cold, value.id))).toBe('done');
    expect(await reasonOf(undelete(replica, value.id))).toBe('NOT_DELETED');
    expect(await reasonOf(undelete(replica, other.id))).toBe('NAME_TAKEN');
  });

  it('of a private server minds the name of its owner only', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value } = await create(replica, { name: 'files', owner: 'ana' });
    await remove(replica, value);
    await create(replica, { name: 'files', owner: 'bob' });
    await create(replica, { name: 'files' });
    const cold = await world.replica();
    expect((await undelete(cold, value.id)).value.owner).toBe('ana');
  });

  it('repeated has the answer of the first; checked only it writes nothing [R3, R6]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value } = await create(replica, { name: 'files' });
    await remove(replica, value);
    const checked = await undelete(replica, value.id, { validateOnly: true, requestId: 'r' });
    expect(checked.value).toMatchObject({ id: value.id, name: 'files' });
    expect(await revisionOf(world.catalog)).toBe(2);
    const first = await undelete(replica, value.id, { requestId: 'r' });
    await remove(replica, first.value);
    const again = await undelete(await world.replica(), value.id, { requestId: 'r' });
    expect(again.value).toEqual(first.value);
    expect(again.position).toEqual(first.position);
    expect(await revisionOf(world.catalog)).toBe(4);
  });

  it('at once by several puts it back once [R2]', async () => {
    await using world = await openWorld();
    const replicas = [await world.replica(), await world.replica()];
    const { value } = await create(replicas[0]!, { name: 'files' });
    await remove(replicas[0]!, value);
    const tries = [...replicas, ...replicas].map((replica) =>
      reasonOf(undelete(replica, value.id)),
    );
    expect((await Promise.all(tries)).toSorted()).toEqual([
      ...['NOT_DELETED', 'NOT_DELETED', 'NOT_DELETED', 'done'],
    ]);
    expect(await revisionOf(world.catalog)).toBe(3);
  });

  it('looks again when the versions that it read are no longer the newest [P8, P11]', async () => {
    await using world = await openWorld();
    const near = await world.replica();
    const { value } = await create(near, { name: 'files', title: 'first' });
    await remove(near, value);
    let reads = 0;
    const catalog: Catalog = withMethods(world.catalog, {
      versions: async (...args) => {
        const read = await world.catalog.projections.versions(...args);
        reads += 1;
        if (reads > 1) return read;
        // Put back, changed and deleted again before the answer arrives.
        const { value: back } = await undelete(near, value.id);
        await remove(near, (await update(near, back, titled('second'))).value);
        return read;
      },
    });
    const far = await world.replica({ catalog });
    const { value: last } = await undelete(far, value.id);
    expect(last).toMatchObject({ spec: { title: 'second' }, generation: 6 });
    expect(reads).toBe(2);
    const told = (await versions(far, value.id)).value.steps;
    expect(told.map(({ version }) => version.generation)).toEqual([6, 5, 4, 3, 2, 1]);
  });

  it('gives up when the server never stands still, having written nothing [R3]', async () => {
    await using world = await openWorld();
    const near = await world.replica();
    const { value } = await create(near, { name: 'files' });
    await remove(near, value);
    const catalog: Catalog = withMethods(world.catalog, {
      versions: async (...args) => {
        const read = await world.catalog.projections.versions(...args);
        await remove(near, (await undelete(near, value.id)).value);
        return read;
      },
    });
    const racing = await world.replica({ catalog });
    expect(await reasonOf(undelete(racing, value.id))).toBe('NOT_WRITTEN');
  });
});

describe('a decision that is based on a projection', () => {
  it('is prepared again when its record changes in the same batch, before it [P11]', async () => {
    await using world = await openWorld();
    const { value } = await create(await world.replica(), { name: 'files' });
    const log = await TenantState.open(TENANT, world.catalog);
    const { catalog, relay } = world;
    const committer = new Committer({
      log,
      catalog,
      relay,
      failpoint: NO_FAILPOINT,
      now: Date.now,
      transportPolicy: OPEN_POLICY,
    });
    const common = { actor: 'a', reason: '', validateOnly: false };
    const nothing = () => Promise.resolve(() => undefined);
    const write = (decide: (at: DecisionContext) => Decision | undefined) =>
      committer.submit({ ...common, prepare: nothing, decide });
    const bases: number[] = [];
    const decidedAt: number[] = [];
    const based = (id: string) =>
      committer.submit({
        ...common,
        prepare: () => {
          bases.push(log.position.revision);
          return nothing();
        },
        basis: () => ({ ids: [id], revision: bases.at(-1) ?? 0 }),
        decide: ({ after }) => {
          decidedAt.push(after.revision);
          return undefined;
        },
      });
    // While the first is appended, the others gather for one batch.
    await Promise.all([
      write((at) => decideCreate(at, declarationFor({ name: 'first' }), 'first')),
      write((at) => decideDelete(at, value)),
      based(value.id),
      based('another'),
    ]);
    // Of what concerns another record only, it takes no notice.
    expect(bases).toEqual([1, 1, 3]);
    expect(decidedAt).toEqual([3, 3]);
  });
});
