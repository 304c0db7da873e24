import { describe, expect, it } from 'vitest';
import type { ServerRecord } from '../../../src/domain/server.js';
import { APP_VIEW, INVENTORY_VIEW, userView, type View } from '../../../src/domain/view.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import { demote, grant, promote, revoke, setAccess } from '../../support/services/access.js';
import { explainName } from '../../support/services/apply.js';
import type { WatchFrame } from '../../support/services/encoders.js';
import {
  create,
  get,
  listed,
  openWorld,
  page,
  remove,
  tokenOf,
  update,
  watch,
  type Replica,
} from '../../support/services/world.js';
import { decodeFrames } from '../../support/services/sinks.js';

// Servers that have, had or nearly have the same name: what is done to one is not done to another.

useFakeIntervals();

const [ana, bob, zoe] = [userView('ana'), userView('bob'), userView('zoe')];

const github = async (replica: Replica, owner?: string): Promise<ServerRecord> =>
  (await create(replica, { name: 'github', ...(owner === undefined ? {} : { owner }) })).value;

const movedTo = (url: string) => ({ kind: 'streamable_http' as const, fields: { url } });

const found = async (replica: Replica, view: View, name = 'github'): Promise<ServerRecord> =>
  (await get(replica, view, { name })).value.record;

const names = async (replica: Replica, view: View): Promise<readonly string[]> =>
  (await page(replica, view)).value.servers.map(({ record }) => record.name);

describe('two owners of one name', () => {
  it('are not touched by a change of the server of the other, nor told of it [D1]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const own = await github(replica, 'ana');
    const bobs = await github(replica, 'bob');
    const { sink, live } = watch(replica, bob);
    await live;
    const told = sink.frames.length;
    const { value } = await update(replica, own, { transport: movedTo('https://ana.example') });
    await remove(replica, value);
    for (const on of [replica, await world.replica()]) expect(await found(on, bob)).toEqual(bobs);
    expect(sink.frames.length).toBe(told);
    const { commits } = await world.catalog.log.read('acme', 2);
    expect(commits.map(({ changes }) => changes.map(({ before }) => before?.id))).toEqual([
      [own.id],
      [own.id],
    ]);
  });

  it('keep their servers when access to that of the other is given and taken [D2]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const own = await github(replica, 'ana');
    const bobs = await github(replica, 'bob');
    const { value } = await setAccess(replica, own, { subjects: ['user:ana', 'user:zoe'] });
    expect((await found(replica, zoe)).id).toBe(own.id);
    expect(await found(replica, bob)).toEqual(bobs);
    await setAccess(replica, value.record, { subjects: [] });
    await revoke(replica, own, { subjects: ['user:bob'] });
    for (const on of [replica, await world.replica()]) {
      expect(await found(on, bob)).toEqual(bobs);
      expect((await found(on, ana)).id).toBe(own.id);
      expect(await names(on, zoe)).toEqual([]);
    }
  });
});

describe('a private and a shared server of one name', () => {
  it.each(['APP', 'USER'] as const)(
    'are two: no change of the private one touches that of tier %s [D3]',
    async (tier) => {
      await using world = await openWorld();
      const replica = await world.replica();
      const own = await github(replica, 'ana');
      const { value: shared } = await create(replica, { name: 'github', tier });
      const { value } = await update(replica, own, { transport: movedTo('https://ana.example') });
      await grant(replica, value, { subjects: ['user:zoe'] });
      await update(replica, value, { owner: 'bob' });
      for (const view of [ana, bob, zoe]) expect(await found(replica, view)).toEqual(shared);
      // A move is the only way, and it is refused for the name.
      const fresh = (await get(replica, INVENTORY_VIEW, { id: own.id })).value.record;
      await expect(promote(replica, fresh)).rejects.toMatchObject({ reason: 'NAME_TAKEN' });
      await remove(replica, fresh);
      expect(await found(replica, ana)).toEqual(shared);
    },
  );
});

/** Patterns, separators, and beginnings of each other. */
const ODD = ['x', 'xy', 'x?', 'x*', '*', 'x:y', 'user:ana', 'x[y]', '[a-z]', 'x:', 'X', 'x y'];

describe('names that look like patterns, like keys, or like the beginning of each other', () => {
  it('are names as any other: found, listed, changed and deleted alone [D5, D31]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const records = new Map<string, ServerRecord>();
    for (const name of ODD)
      records.set(name, (await create(replica, { name, owner: 'ana' })).value);
    const check = async (): Promise<void> => {
      for (const on of [replica, await world.replica()]) {
        expect(await names(on, ana)).toEqual([...records.keys()].sort());
        for (const [name, record] of records) {
          expect(await found(on, ana, name)).toEqual(record);
          const { value } = await explainName(on, ana, name);
          expect(value.candidates.filter(({ verdict }) => verdict !== 'deleted').length).toBe(1);
        }
        expect(await listed(on, userView('ana:x'))).toEqual(new Map());
      }
    };
    await check();
    for (const name of ['x?', '*', 'x:']) {
      const { value } = await update(replica, records.get(name)!, { specFields: { title: name } });
      records.set(name, value);
    }
    await check();
    for (const name of ['x*', 'x', '[a-z]']) {
      await remove(replica, records.get(name)!);
      records.delete(name);
    }
    await check();
  });
});

describe('a server that moved', () => {
  it('reaches those named when it is demoted, also who saw nothing else ever [D12]', async () => {
    await using world = await openWorld();
    const [near, far] = [await world.replica(), await world.replica()];
    const own = await github(near, 'ana');
    await grant(near, own, { subjects: ['user:zoe'] });
    expect(await names(far, zoe)).toEqual(['github']);
    const { value: up } = await promote(near, own);
    const subjects = ['user:zoe', 'user:new', 'group:dev'];
    const { position } = await demote(near, up.record, { owner: 'ana', subjects });
    const atLeast = tokenOf(position);
    for (const view of [ana, zoe, userView('new'), userView('eve', ['dev'])])
      expect(await listed(far, view, atLeast)).toEqual(new Map([[own.id, 4]]));
    expect(await listed(far, userView('stranger'), atLeast)).toEqual(new Map());
  });

  it.each(['APP', 'USER'] as const)(
    'to %s is the one that a later change changes, for all who see it [D15]',
    async (tier) => {
      await using world = await openWorld();
      const [near, far] = [await world.replica(), await world.replica()];
      const { value: up } = await promote(near, await github(near, 'ana'), { tier });
      const to = movedTo('https://new.example/mcp');
      const { value, position } = await update(near, up.record, { transport: to });
      expect(value.id).toBe(up.record.id);
      await listed(far, ana, tokenOf(position));
      for (const view of [ana, bob, ...(tier === 'APP' ? [APP_VIEW] : [])])
        expect(await found(far, view)).toEqual(value);
    },
  );

  it('is in one tier at a time, and gone from all when it is deleted [D16]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    let record = (await create(replica, { name: 'github', tier: 'APP' })).value;
    for (const tier of ['USER', 'APP', 'USER'] as const) {
      record = (await update(replica, record, { fields: { tier } })).value;
      const { value } = await page(replica, INVENTORY_VIEW);
      expect(value.servers.map((server) => server.record)).toEqual([record]);
    }
    await remove(replica, record);
    for (const on of [replica, await world.replica()]) {
      for (const view of [APP_VIEW, ana, INVENTORY_VIEW])
        expect(await listed(on, view)).toEqual(new Map());
    }
  });
});

describe('a grant', () => {
  it('reaches a user again who lost the only server before [D11]', async () => {
    await using world = await openWorld();
    const [near, far] = [await world.replica(), await world.replica()];
    const own = await github(near, 'ana');
    const subjects = ['user:zoe'];
    const { sink, live } = watch(near, zoe);
    await live;
    for (let round = 0; round < 3; round += 1) {
      const given = await grant(near, own, { subjects });
      expect([...(await listed(far, zoe, tokenOf(given.position))).keys()]).toEqual([own.id]);
      const taken = await revoke(near, own, { subjects });
      expect(await listed(far, zoe, tokenOf(taken.position))).toEqual(new Map());
    }
    const types = decodeFrames<WatchFrame>(sink).flatMap((frame) =>
      frame.kind === 'event' ? [frame.type] : [],
    );
    expect(types).toEqual(Array(3).fill(['added', 'removed']).flat());
  });

  it('carries no configuration: old and new holders see the same one [D27]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const own = await github(replica, 'ana');
    await grant(replica, own, { subjects: ['user:bob'] });
    const to = movedTo('https://new.example/mcp');
    const { value } = await update(replica, own, { transport: to });
    const { value: granted } = await grant(replica, own, { subjects: ['user:zoe'] });
    for (const view of [ana, bob, zoe]) expect(await found(replica, view)).toEqual(granted.record);
    expect(granted.record).toMatchObject({ etag: value.etag, configHash: value.configHash });
  });
});
