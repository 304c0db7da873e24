import { describe, expect, it } from 'vitest';
import { decideCreate } from '../../../src/domain/commands/decide.js';
import { decidePromote } from '../../../src/domain/commands/move.js';
import { SwitchboardError } from '../../../src/domain/errors.js';
import type { ServerRecord } from '../../../src/domain/server.js';
import { APP_VIEW, INVENTORY_VIEW, userView } from '../../../src/domain/view.js';
import { Committer } from '../../../src/services/commit/committer.js';
import type { WriteOutcome } from '../../../src/services/commit/intent.js';
import { fromNamesakes } from '../../../src/services/reads/namesakes.js';
import { Upstream, UPSTREAM_DEFAULTS } from '../../../src/services/replica/upstream.js';
import { TenantState } from '../../../src/services/replica/tenant-state.js';
import { createSlots } from '../../../src/services/concurrency/slots.js';
import { Replays } from '../../../src/services/watch/replays.js';
import { Snapshots } from '../../../src/services/watch/snapshots.js';
import { WatchHub } from '../../../src/services/watch/hub.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import { eventually } from '../../support/eventually.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import {
  demote,
  grant,
  grantsOf,
  promote,
  revoke,
  setAccess,
} from '../../support/services/access.js';
import { appendGate, turns } from '../../support/services/append-gate.js';
import { rollback, undelete, versions } from '../../support/services/apply.js';
import {
  create,
  declarationFor,
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
import { readLog } from '../../support/storage/builders.js';
import { projectionDifferences, replay } from '../../support/storage/model.js';
import { withMethods } from '../../support/storage/reads.js';
import { reasonOf } from '../../support/reason-of.js';
import { OPEN_POLICY } from '../../support/transport-policy.js';

useFakeIntervals();

const named = async (replica: Replica, owner: string, name = 'files'): Promise<ServerRecord> =>
  (await create(replica, { name, owner })).value;

const ids = (records: readonly ServerRecord[]): readonly string[] =>
  records.map(({ id }) => id).toSorted();

const revisionOf = async (catalog: Catalog): Promise<number> =>
  (await catalog.log.head(TENANT)).revision;

describe('a promotion', () => {
  it('shows the server to everyone, under its id, in one commit [R5]', async () => {
    await using world = await openWorld();
    const [near, far] = [await world.replica(), await world.replica()];
    const record = await named(near, 'ana');
    await grant(near, record, { subjects: ['group:dev'] });
    const { value, position } = await promote(near, record, { tier: 'APP', reason: 'for all' });
    expect(value).toMatchObject({
      affected: { everyone: true, subjects: [] },
      namesakes: [],
      moreNamesakes: false,
      record: { id: record.id, tier: 'APP', revision: 3, generation: 2 },
    });
    for (const view of [APP_VIEW, userView('ana'), userView('stranger')])
      expect(await listed(far, view, tokenOf(position))).toEqual(new Map([[record.id, 3]]));
    const [commit] = await readLog(world.catalog, TENANT, 2);
    expect(commit).toMatchObject({ cause: 'PROMOTE', reason: 'for all', revision: 3 });
    expect(commit?.changes).toHaveLength(1);
    expect((await grantsOf(await world.replica(), record)).value.grants).toEqual([]);
  });

  it('tells whom it hides, at most 100 of them, or is refused for it', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const record = await named(replica, 'ana');
    const users = Array.from({ length: 101 }, (_, at) => `u${String(at)}`);
    const others = await Promise.all(users.slice(0, 100).map((user) => named(replica, user)));
    const policy = 'fail' as const;
    expect(await reasonOf(promote(replica, record, { policy }))).toBe('WOULD_SHADOW');
    const check = async () =>
      (await promote(replica, record, { policy: 'shadow', validateOnly: true })).value;
    const few = await check();
    expect(ids(few.namesakes)).toEqual(ids(others));
    expect(few.moreNamesakes).toBe(false);
    await named(replica, 'u100');
    const refused = promote(replica, record, { policy });
    await expect(refused).rejects.toMatchObject({ metadata: { count: 'more than 100' } });
    const { value } = await promote(replica, record);
    expect([value.namesakes.length, value.moreNamesakes]).toEqual([100, true]);
    expect(ids(value.namesakes)).not.toContain(record.id);
    const back = await demote(replica, value.record, { owner: 'ana' });
    expect([back.value.namesakes.length, back.value.moreNamesakes]).toEqual([100, true]);
  });

  it('sees a server of the name that is created while it looks for such [P11]', async () => {
    await using world = await openWorld();
    const near = await world.replica();
    const record = await named(near, 'ana');
    let looks = 0;
    const catalog: Catalog = withMethods(world.catalog, {
      serversNamed: async (...args) => {
        const found = await world.catalog.projections.serversNamed(...args);
        looks += 1;
        if (looks === 1) await named(near, 'bob');
        return found;
      },
    });
    const racing = await world.replica({ catalog });
    const refused = await reasonOf(promote(racing, record, { policy: 'fail' }));
    expect([refused, looks]).toEqual(['WOULD_SHADOW', 2]);
    expect(await revisionOf(world.catalog)).toBe(2);
  });

  it('sees one that is created, renamed or gone in the same batch before it [P11]', async () => {
    await using world = await openWorld();
    const record = await named(await world.replica(), 'ana');
    const { catalog, relay } = world;
    const log = await TenantState.open(TENANT, catalog);
    const gate = appendGate();
    const { failpoint } = gate;
    const committer = new Committer({
      log,
      catalog,
      relay,
      failpoint,
      now: Date.now,
      transportPolicy: OPEN_POLICY,
    });
    const upstream = new Upstream(() => 0, UPSTREAM_DEFAULTS, 0);
    const snapshots = new Snapshots(log, createSlots(1));
    const replays = new Replays({ log, catalog }, createSlots(1));
    const tenant = {
      log,
      committer,
      hub: new WatchHub(log, () => true),
      snapshots,
      replays,
      upstream,
      transportPolicy: OPEN_POLICY,
    };
    const common = { actor: 'a', reason: '', validateOnly: false };
    const nothing = () => Promise.resolve(() => undefined);
    const created = (name: string, owner: string): Promise<WriteOutcome> =>
      committer.submit({
        ...common,
        prepare: nothing,
        decide: (at) => decideCreate(at, declarationFor({ name, owner }), `of-${owner}`),
      });
    let looks = 0;
    const work = fromNamesakes(
      withMethods(catalog, {
        serversNamed: (...args) => {
          looks += 1;
          return catalog.projections.serversNamed(...args);
        },
      }),
      tenant,
      {
        id: record.id,
        owners: [],
        decide: (at, servers) =>
          decidePromote(at, {
            id: record.id,
            etag: record.etag,
            tier: 'APP',
            policy: 'fail',
            named: servers,
            copyId: '',
          }),
      },
    );
    // While the first is appended, the others gather for one batch.
    gate.close();
    const first = created('first', 'zoe');
    await eventually(() => {
      expect(gate.isTaken()).toBe(true);
    });
    const others = [created('other', 'eve'), created('files', 'bob')];
    const refused = reasonOf(committer.submit({ ...common, ...work }));
    await turns();
    expect(looks).toBe(1);
    gate.open();
    await Promise.all([first, ...others]);
    expect(await refused).toBe('WOULD_SHADOW');
    expect(looks).toBeGreaterThan(1);
    tenant.hub.close();
  });

  it('is an error, and nothing is written, where nobody can tell whom it would hide [D8]', async () => {
    await using world = await openWorld();
    const record = await named(await world.replica(), 'ana');
    await named(await world.replica(), 'bob');
    const catalog: Catalog = withMethods(world.catalog, {
      serversNamed: () => Promise.reject(new SwitchboardError('CATALOG_UNAVAILABLE')),
    });
    const replica = await world.replica({ catalog });
    for (const policy of ['fail', 'shadow'] as const) {
      for (const validateOnly of [true, false]) {
        const refused = await reasonOf(promote(replica, record, { policy, validateOnly }));
        expect(refused).toBe('NOT_WRITTEN');
      }
    }
    expect(await revisionOf(world.catalog)).toBe(2);
  });

  it('of several at once, by several replicas, gives the name to one [R2]', async () => {
    await using world = await openWorld();
    const replicas = [await world.replica(), await world.replica()];
    const owners = ['ana', 'bob', 'eve', 'zoe'];
    const records = await Promise.all(owners.map((owner) => named(replicas[0]!, owner)));
    const races = records.map((record, at) => reasonOf(promote(replicas[at % 2]!, record)));
    const results = (await Promise.all(races)).toSorted();
    expect(results).toEqual(['NAME_TAKEN', 'NAME_TAKEN', 'NAME_TAKEN', 'done']);
  });
});

describe('a demotion', () => {
  it('leaves the server to its owner and to those named, in one commit [R5, D12]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value: shared } = await create(replica, { name: 'files', tier: 'APP' });
    const bobs = await named(replica, 'bob');
    const { value } = await demote(replica, shared, {
      owner: 'ana',
      subjects: ['group:dev', 'user:ana'],
    });
    expect(value.record).toMatchObject({ id: shared.id, tier: 'PRIVATE', owner: 'ana' });
    expect(ids(value.namesakes)).toEqual([bobs.id]);
    expect(await revisionOf(world.catalog)).toBe(3);
    const cold = await world.replica();
    for (const on of [replica, cold]) {
      expect(await listed(on, APP_VIEW)).toEqual(new Map());
      expect(await listed(on, userView('stranger'))).toEqual(new Map());
      expect(await listed(on, userView('bob'))).toEqual(new Map([[bobs.id, 2]]));
      for (const view of [userView('ana'), userView('eve', ['dev'])])
        expect(await listed(on, view)).toEqual(new Map([[shared.id, 3]]));
      expect((await grantsOf(on, shared)).value.grants).toEqual([
        { subject: 'group:dev', revision: 3 },
      ]);
    }
  });

  it('sees a server of the owner that this replica has not seen [P8, P11]', async () => {
    await using world = await openWorld();
    const [near, far] = [await world.replica(), await world.replica()];
    const { value: shared } = await create(near, { name: 'files' });
    await listed(far, APP_VIEW);
    const own = await named(near, 'ana');
    expect(await reasonOf(demote(far, shared, { owner: 'ana' }))).toBe('NAME_TAKEN');
    const other = await demote(far, shared, { owner: 'ana', name: 'files-2' });
    expect(ids(other.value.namesakes)).toEqual([own.id]);
  });
});

describe('moves', () => {
  it('only checked tell who is affected, and write nothing [R6]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const record = await named(replica, 'ana');
    const { value: shared } = await create(replica, { name: 'mail' });
    const validateOnly = true;
    const up = await promote(replica, record, { validateOnly });
    const down = await demote(replica, shared, { owner: 'ana', validateOnly });
    for (const { value } of [up, down]) expect(value.affected.everyone).toBe(true);
    expect(up.value.record).toMatchObject({ id: record.id, tier: 'USER' });
    expect(down.value.record).toMatchObject({ id: shared.id, owner: 'ana' });
    const old = { id: record.id, etag: 'old' };
    expect(await reasonOf(promote(replica, old, { validateOnly }))).toBe('ETAG_MISMATCH');
    expect(await revisionOf(world.catalog)).toBe(2);
  });

  it('repeated have the answer of the first, also after a rename [R3, D13]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const record = await named(replica, 'ana');
    await named(replica, 'bob');
    const up = (on: Replica) => promote(on, record, { requestId: 'up' });
    const promoted = await up(replica);
    const down = (on: Replica) =>
      demote(on, promoted.value.record, { owner: 'zoe', name: 'mine', requestId: 'down' });
    const demoted = await down(replica);
    await update(replica, demoted.value.record, { fields: { name: 'other' } });
    const fresh = await world.replica();
    expect(await up(fresh)).toEqual(promoted);
    expect(await down(fresh)).toEqual(demoted);
    expect(await revisionOf(world.catalog)).toBe(5);
  });

  it('that were cut off at any point are there or not, and completed by repeating them [D13, R3]', async () => {
    await using world = await openWorld();
    let failing: string | undefined;
    const replica = await world.replica({
      failpoint: (name) => {
        if (name === failing) throw new Error('stopped here');
      },
    });
    let { value: record } = await create(replica, { name: 'files', owner: 'ana' });
    for (const point of ['append.after', 'view.before', 'relay.before', 'answer.before']) {
      for (const move of ['up', 'down']) {
        const before = record;
        const ask = (on: Replica) =>
          move === 'up'
            ? promote(on, before, { requestId: `${move} ${point}` })
            : demote(on, before, { owner: 'ana', requestId: `${move} ${point}` });
        failing = point;
        expect(await reasonOf(ask(replica))).toBe('OUTCOME_UNKNOWN');
        failing = undefined;
        // Nobody repairs anything: a replica that begins now finds one server, in one tier.
        const fresh = await world.replica();
        expect([...(await listed(fresh, userView('ana'))).keys()]).toEqual([record.id]);
        ({ record } = (await ask(fresh)).value);
        expect(await ask(replica)).toMatchObject({ value: { record } });
      }
    }
    expect(await revisionOf(world.catalog)).toBe(9);
  });

  it('are refused for the wrong tier and to who is no administrator; nothing is changed [D12]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const record = await named(replica, 'ana');
    const { value: shared } = await create(replica, { name: 'mail' });
    const owner = 'ana';
    const refusals: readonly (readonly [string, () => Promise<unknown>])[] = [
      ['WRONG_TIER', () => promote(replica, shared)],
      ['WRONG_TIER', () => demote(replica, record, { owner })],
      ['INVALID_FIELD', () => demote(replica, shared, { owner: '' })],
      ['INVALID_FIELD', () => demote(replica, shared, { owner: ' ' })],
      ['INVALID_FIELD', () => demote(replica, shared, { owner, subjects: ['ana'] })],
      ['INVALID_FIELD', () => demote(replica, shared, { owner, name: 'a/b' })],
      ['INVALID_FIELD', () => promote(replica, { id: '', etag: 'x' })],
      ['INVALID_FIELD', () => promote(replica, { id: record.id, etag: '' })],
      ['SERVER_NOT_FOUND', () => promote(replica, { id: 'never', etag: 'x' })],
      ['SERVER_NOT_FOUND', () => demote(replica, { id: 'never', etag: 'x' }, { owner })],
    ];
    for (const [reason, ask] of refusals) expect(await reasonOf(ask())).toBe(reason);
    expect(await revisionOf(world.catalog)).toBe(2);
  });

  it('are in the history; no rollback leads across one, and a deletion is undone after [D38]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const record = await named(replica, 'ana');
    const { value: up } = await promote(replica, record, { reason: 'up' });
    expect(await reasonOf(rollback(replica, up.record, { generation: 1 }))).toBe(
      'TIER_CHANGE_NOT_ALLOWED',
    );
    const more = { owner: 'bob', subjects: ['user:zoe'], reason: 'down' };
    const { value: down } = await demote(replica, up.record, more);
    const cold = await world.replica();
    const { steps } = (await versions(cold, record.id)).value;
    expect(steps.map(({ version }) => [version.generation, version.cause, version.reason])).toEqual(
      [
        [3, 'DEMOTE', 'down'],
        [2, 'PROMOTE', 'up'],
        [1, 'CREATE', ''],
      ],
    );
    expect(steps.map(({ version }) => version.declared?.tier)).toEqual([
      ...['PRIVATE', 'USER', 'PRIVATE'],
    ]);
    expect(await reasonOf(rollback(cold, down.record, { generation: 2 }))).toBe(
      'TIER_CHANGE_NOT_ALLOWED',
    );
    const back = (await rollback(cold, down.record, { generation: 1 })).value.record;
    expect(back).toMatchObject({ owner: 'ana', generation: 4 });
    await remove(cold, back);
    const restored = await undelete(cold, record.id);
    expect(restored.value).toMatchObject({ tier: 'PRIVATE', owner: 'ana', generation: 6 });
    expect((await grantsOf(cold, record)).value.grants).toEqual([
      { subject: 'user:zoe', revision: 6 },
    ]);
  });

  it('of one batch leave the projections as the log has it [P4]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const records = await Promise.all(['ana', 'bob'].map((owner) => named(replica, owner, owner)));
    // One after the other, each decided on what the one before will have made: gathered by
    // giving them all at once, again and again on what is refused for its etag.
    const mill = async (record: ServerRecord): Promise<void> => {
      let { value: current } = { value: record };
      for (let round = 0; round < 8; round += 1) {
        const [, up] = await Promise.all([
          grant(replica, current, { subjects: ['user:zoe', `user:u${String(round)}`] }),
          promote(replica, current),
          revoke(replica, current, { subjects: ['user:zoe'] }).catch(() => undefined),
        ]);
        const { value: down } = await demote(replica, up.value.record, {
          owner: `o${String(round % 2)}`,
          subjects: ['group:dev', 'user:zoe'],
        });
        const { value } = await setAccess(replica, down.record, { subjects: ['user:zoe'] });
        current = value.record;
      }
    };
    await Promise.all(records.map(mill));
    const model = replay(await readLog(world.catalog, TENANT, 0));
    await project(world);
    expect(await projectionDifferences(world.catalog, TENANT, model)).toEqual([]);
    const cold = await world.replica();
    for (const { id } of records) {
      const { value } = await get(cold, INVENTORY_VIEW, { id });
      expect(value).toEqual(model.servers.get(id));
      expect((await grantsOf(replica, { id })).value.grants).toEqual(value.grants);
    }
  });
});
