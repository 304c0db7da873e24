import { describe, expect, it } from 'vitest';
import { SwitchboardError } from '../../../src/domain/errors.js';
import type { ServerRecord } from '../../../src/domain/server.js';
import { APP_VIEW, INVENTORY_VIEW, userView, type View } from '../../../src/domain/view.js';
import type { HeldConnection } from '../../../src/domain/held-connection.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import { eventually } from '../../support/eventually.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import { changeAccess } from '../../support/commits/commits.js';
import { describeContents, Oracle } from '../../support/history/oracle.js';
import { randomFrom } from '../../support/random.js';
import {
  catchUp,
  create,
  get,
  listed,
  openWorld,
  page,
  remove,
  requestOf,
  TENANT,
  tokenOf,
  update,
  type Replica,
} from '../../support/services/world.js';
import { withMethods } from '../../support/storage/reads.js';

useFakeIntervals();

const ana = userView('ana');
const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

async function errorOf(work: Promise<unknown>): Promise<SwitchboardError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof SwitchboardError) return error;
  throw new Error('it was not refused', { cause: error });
}

/** What a caller learns of an error. */
const told = ({ reason, message, metadata, violations }: SwitchboardError) =>
  JSON.stringify({ reason, message, metadata, violations });

const namesOf = ({ value }: Awaited<ReturnType<typeof page>>): readonly string[] =>
  value.servers.map(({ record }) => record.name);

describe('at_least', () => {
  it('brings a replica to what was written at another [R1]', async () => {
    await using world = await openWorld();
    const [near, far] = [await world.replica(), await world.replica()];
    await listed(far, ana);
    const { position } = await create(near, { name: 'files' });
    expect(await listed(far, ana)).toEqual(new Map());
    expect((await listed(far, ana, tokenOf(position))).size).toBe(1);
  });

  it('does not take a look that began before the write for a new one [R1]', async () => {
    await using world = await openWorld();
    const near = await world.replica();
    let gate: Promise<void> | undefined;
    let reads = 0;
    const catalog: Catalog = withMethods(world.catalog, {
      read: async (...args) => {
        reads += 1;
        const slice = await world.catalog.log.read(...args);
        await gate;
        return slice;
      },
    });
    const far = await world.replica({ catalog });
    await listed(far, ana);
    reads = 0;
    let open: () => void = () => undefined;
    gate = new Promise((resolve) => (open = resolve));
    const { position: first } = await create(near, { name: 'first' });
    const early = listed(far, ana, tokenOf(first));
    await eventually(() => {
      expect(reads).toBe(1);
    });
    const { position: second } = await create(near, { name: 'second' });
    const late = listed(far, ana, tokenOf(second));
    gate = undefined;
    open();
    expect((await late).size).toBe(2);
    expect((await early).size).toBeGreaterThan(0);
  });

  it('waits for what is not there yet, until it comes [R1]', async () => {
    await using world = await openWorld();
    const near = await world.replica();
    await create(near, { name: 'first' });
    let isBehind = true;
    const catalog: Catalog = withMethods(world.catalog, {
      read: async (tenant, after, options) => {
        const slice = await world.catalog.log.read(tenant, after, options);
        const first = await world.catalog.log.positionAt(tenant, 1);
        if (!isBehind || first === undefined) return slice;
        return { ...slice, commits: slice.commits.slice(0, 1 - after), head: first };
      },
    });
    const far = await world.replica({ catalog });
    await listed(far, ana);
    const { position } = await create(near, { name: 'second' });
    const waiting = listed(far, ana, tokenOf(position));
    isBehind = false;
    await create(far, { name: 'third' });
    expect((await waiting).size).toBeGreaterThanOrEqual(2);
  });

  it('answers NOT_CAUGHT_UP once it may wait no longer, worth a retry [R1]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { position } = await create(replica, { name: 'files' });
    const atLeast = tokenOf({ ...position, revision: 2 ** 50 });
    for (const waitMs of [0, 5, 20.5]) {
      const request = requestOf({ waitMs });
      const query = { view: ana, key: { name: 'files' }, atLeast };
      const error = await errorOf(replica.services.getServer(request, query));
      expect(error.reason).toBe('NOT_CAUGHT_UP');
      expect(error.retryDelayMs).toBeGreaterThan(0);
    }
    const gone = requestOf({ waitMs: Number.POSITIVE_INFINITY, signal: AbortSignal.abort() });
    const query = { view: ana, key: { name: 'files' }, atLeast };
    expect((await errorOf(replica.services.getServer(gone, query))).reason).toBe('NOT_CAUGHT_UP');
  });

  it('of another life of the log is EPOCH_CHANGED [P16]', async () => {
    await using first = await openWorld();
    await using second = await openWorld();
    const { position } = await create(await first.replica(), { name: 'files' });
    const other = await second.replica();
    const error = await errorOf(listed(other, ana, tokenOf(position)));
    expect(error.reason).toBe('EPOCH_CHANGED');
  });

  it('of a state that this log never had is EPOCH_CHANGED: a write lost by a restore [W8]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { position } = await create(replica, { name: 'files' });
    await create(replica, { name: 'mail' });
    for (const revision of [1, 2]) {
      const lost = { epoch: position.epoch, revision, fingerprint: 'of another history' };
      expect((await errorOf(listed(replica, ana, tokenOf(lost)))).reason).toBe('EPOCH_CHANGED');
    }
  });

  it('of another tenant, or damaged, is refused by the name of its field', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { position } = await create(replica, { name: 'files' }, { tenant: 'globex' });
    const own = tokenOf(position);
    const foreign = requestOf({ tenant: 'globex' });
    const query = { view: ana, key: { name: 'files' }, atLeast: own };
    for (const error of [
      await errorOf(replica.services.getServer(foreign, query)),
      await errorOf(listed(replica, ana, `${own}x`)),
    ]) {
      expect(error).toMatchObject({ reason: 'TOKEN_INVALID', violations: [{ field: 'at_least' }] });
    }
  });
});

describe('what a view may not see', () => {
  it('is told exactly as what does not exist, by name and by id [R7]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const views: readonly View[] = [APP_VIEW, userView('bob'), userView('bob', ['dev'])];
    const told404 = async (view: View, key: { name: string } | { id: string }) =>
      told(await errorOf(get(replica, view, key)));
    const before = await told404(userView('bob'), { name: 'files' });
    const { value } = await create(replica, { name: 'files', owner: 'ana' });
    const missing = await told404(userView('bob'), { id: 'no-such-id' });
    for (const view of views) {
      expect(await told404(view, { name: 'files' })).toBe(before);
      expect(await told404(view, { id: value.id })).toBe(missing.replace('no-such-id', value.id));
    }
    expect((await get(replica, ana, { id: value.id })).value.record).toEqual(value);
    const checks = await check(replica, [
      { view: userView('bob'), key: { id: value.id } },
      { view: userView('bob'), key: { id: 'no-such-id' } },
    ]);
    expect(checks).toEqual([{ state: 'gone' }, { state: 'gone' }]);
  });

  it('by a deleted id is told as one that never was, also in the inventory [R7]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value } = await create(replica, { name: 'files' });
    await remove(replica, value);
    for (const view of [ana, INVENTORY_VIEW]) {
      const error = await errorOf(get(replica, view, { id: value.id }));
      const never = await errorOf(get(replica, view, { id: 'x' }));
      expect(told(error)).toBe(told(never).replace('"x"', JSON.stringify(value.id)));
    }
  });

  it('includes the inventory, for a caller who is no administrator', async () => {
    await using world = await openWorld();
    const { services } = await world.replica();
    const caller = { principal: 'p', tenants: [TENANT], roles: ['reader' as const] };
    const query = { view: INVENTORY_VIEW, key: { id: 'x' }, atLeast: '' };
    const refused = await errorOf(services.getServer(requestOf({ caller }), query));
    expect(refused.reason).toBe('PERMISSION_DENIED');
  });
});

describe('pages of a list', () => {
  it('are all of the revision of the first, whatever is written meanwhile [P10]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const names = upTo(7).map((n) => `n${String(n)}`);
    const created = await Promise.all(names.map((name) => create(replica, { name })));
    let answer = await page(replica, ana, { pageSize: 3 });
    const { position } = answer;
    const read = [...namesOf(answer)];
    let round = 0;
    while (answer.value.nextPageToken !== '') {
      round += 1;
      await create(replica, { name: `n0-${String(round)}` });
      await remove(replica, created[7 - round]!.value);
      const { value: moved } = created[round]!;
      await update(replica, moved, { fields: { name: `z${String(round)}` } });
      const { nextPageToken: pageToken } = answer.value;
      answer = await page(replica, ana, { pageSize: 3, pageToken });
      expect(answer.position).toEqual(position);
      read.push(...namesOf(answer));
    }
    expect(read).toEqual(names);
  });

  it('continue on another replica [P10]', async () => {
    await using world = await openWorld();
    const [near, far] = [await world.replica(), await world.replica()];
    await listed(far, ana);
    for (const name of ['a', 'b', 'c']) await create(near, { name, owner: 'ana' });
    const first = await page(near, ana, { pageSize: 2 });
    const second = await page(far, ana, { pageSize: 2, pageToken: first.value.nextPageToken });
    expect([...namesOf(first), ...namesOf(second)]).toEqual(['a', 'b', 'c']);
  });

  it('are PAGE_EXPIRED once their revision is no longer held [P10]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    await Promise.all(['a', 'b'].map((name) => create(replica, { name })));
    const { value } = await page(replica, ana, { pageSize: 1 });
    await Promise.all(upTo(2_100).map((n) => create(replica, { name: `n${String(n)}` })));
    const late = page(replica, ana, { pageSize: 1, pageToken: value.nextPageToken });
    expect((await errorOf(late)).reason).toBe('PAGE_EXPIRED');
  });

  it('refuse a token of another list, and one that was made up [P10]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    await Promise.all(['a', 'b'].map((name) => create(replica, { name })));
    const { value, position } = await page(replica, ana, { pageSize: 1 });
    const { nextPageToken: pageToken } = value;
    expect((await errorOf(page(replica, userView('bob'), { pageToken }))).violations).toMatchObject(
      [{ field: 'page_token' }],
    );
    expect((await errorOf(page(replica, ana, { pageToken: 'x' }))).reason).toBe('INVALID_FIELD');
    const [, last, digest] = JSON.parse(Buffer.from(pageToken, 'base64url').toString()) as string[];
    for (const at of [
      { ...position, revision: 2 ** 50 },
      { ...position, fingerprint: 'forged' },
      { ...position, epoch: 'other' },
    ]) {
      const forged = Buffer.from(JSON.stringify([tokenOf(at), last, digest])).toString('base64url');
      expect((await errorOf(page(replica, ana, { pageToken: forged }))).reason).toBe(
        'PAGE_EXPIRED',
      );
    }
  });

  it('of the inventory go by id, each of its own revision [P10]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    for (const n of upTo(5)) await create(replica, { name: `n${String(n)}`, owner: 'zoe' });
    const ids: string[] = [];
    const positions: number[] = [];
    let pageToken = '';
    do {
      const { value, position } = await page(replica, INVENTORY_VIEW, { pageSize: 2, pageToken });
      ids.push(...value.servers.map(({ record }) => record.id));
      positions.push(position.revision);
      ({ nextPageToken: pageToken } = value);
      const { value: extra } = await create(replica, { name: `x${String(ids.length)}` });
      await remove(replica, extra);
    } while (pageToken !== '');
    expect(ids).toEqual([...new Set(ids)].sort());
    expect(ids.length).toBeGreaterThanOrEqual(5);
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
    expect(new Set(positions).size).toBe(positions.length);
  });
});

/** A catalog that calls back between having an answer and giving it. */
function interrupted(catalog: Catalog, between: () => Promise<void>): Catalog {
  const after =
    <A extends unknown[], T>(call: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      const answer = await call(...args);
      await between();
      return answer;
    };
  return withMethods(catalog, {
    privateServers: after(catalog.projections.privateServers),
    serversById: after(catalog.projections.serversById),
    inventory: after(catalog.projections.inventory),
    sharedServers: after(catalog.projections.sharedServers),
  });
}

describe('a cold read', () => {
  const SEEDS = [11, 12, 13, 14];

  it.each(SEEDS)('of seed %i joins at one revision while writers go on [P8, P9]', async (seed) => {
    await using world = await openWorld();
    const random = randomFrom(seed);
    const writer = await world.replica();
    const owned = new Map<string, ServerRecord>();
    const write = async (): Promise<void> => {
      const target = owned.size === 0 ? undefined : random.pick([...owned.values()]);
      const choice = target === undefined ? 0 : random.below(6);
      if (target === undefined || choice === 0) {
        const owner = random.pick(['ana', 'bob']);
        const { value } = await create(writer, { name: `n${String(random.below(1e9))}`, owner });
        owned.set(value.id, value);
        return;
      }
      const { id } = target;
      if (choice < 3) {
        const subject = random.pick(['user:ana', 'group:dev', 'user:bob'] as const);
        const isGrant = random.oneIn(2);
        const access = isGrant ? { grant: [subject] } : { revoke: [subject] };
        await changeAccess(world.catalog, { tenant: TENANT, id }, access);
        await catchUp(writer);
      } else if (choice === 3) {
        await remove(writer, target);
        owned.delete(id);
      } else {
        const owner = choice === 4 ? { owner: random.pick(['ana', 'bob', 'zoe']) } : {};
        const title = String(random.below(1e9));
        const { value } = await update(writer, target, { ...owner, specFields: { title } });
        owned.set(id, value);
      }
    };
    for (let count = 0; count < 12; count += 1) await write();
    let left = 0;
    let turn = Promise.resolve();
    const catalog = interrupted(world.catalog, () => {
      turn = turn.then(async () => {
        for (; left > 0 && !random.oneIn(3); left -= 1) await write();
      });
      return turn;
    });
    for (let round = 0; round < 12; round += 1) {
      const cold = await world.replica({ catalog });
      // The tenant is opened first, so that it lags behind what the join finds.
      await listed(cold, APP_VIEW);
      left = 6;
      for (let count = random.below(4); count > 0; count -= 1) await write();
      const views = [userView('ana', ['dev']), userView('bob'), userView('ana')];
      const answers = await Promise.all(views.map((view) => page(cold, view)));
      const oracle = new Oracle();
      await oracle.extend(world.catalog, TENANT);
      for (const [index, { value, position }] of answers.entries()) {
        const held = value.servers.map(({ record }) => [record.id, record.revision] as const);
        const due = oracle.viewAt(views[index]!, position.revision);
        expect(describeContents(new Map(held))).toBe(describeContents(due));
      }
    }
  });

  it('holds a server as it was, that was deleted behind the view [P8]', async () => {
    await using world = await openWorld();
    const writer = await world.replica();
    const { value } = await create(writer, { name: 'files', owner: 'bob' });
    const target = { tenant: TENANT, id: value.id };
    let then: (() => Promise<void>) | undefined;
    const catalog = interrupted(world.catalog, async () => {
      const run = then;
      then = undefined;
      await run?.();
    });
    const cold = await world.replica({ catalog });
    await listed(cold, APP_VIEW);
    then = async () => {
      // After the query for Ana: a grant to her, seen by the replica; then the end of it all,
      // which the replica has not seen when it looks the server up by its id.
      await changeAccess(world.catalog, target, { grant: ['user:ana'] });
      await catchUp(cold);
      await catchUp(writer);
      await remove(writer, value);
    };
    const { value: list, position } = await page(cold, ana);
    const oracle = new Oracle();
    await oracle.extend(world.catalog, TENANT);
    const held = new Map(list.servers.map(({ record }) => [record.id, record.revision]));
    expect(held).toEqual(oracle.viewAt(ana, position.revision));
  });

  it('asks the Catalog once for a subject, however many wait [P8]', async () => {
    await using world = await openWorld();
    let queries = 0;
    const catalog: Catalog = withMethods(world.catalog, {
      privateServers: (...args) => {
        queries += 1;
        return world.catalog.projections.privateServers(...args);
      },
    });
    const replica = await world.replica({ catalog });
    await create(replica, { name: 'files' });
    await Promise.all(upTo(50).map(() => listed(replica, ana)));
    await listed(replica, ana);
    expect(queries).toBe(1);
  });

  it('that fails leaves the subject cold, not empty [F3, P8, D8]', async () => {
    await using world = await openWorld();
    let isDown = true;
    const catalog: Catalog = withMethods(world.catalog, {
      privateServers: async (...args) => {
        if (isDown) throw new SwitchboardError('CATALOG_UNAVAILABLE');
        return world.catalog.projections.privateServers(...args);
      },
    });
    const replica = await world.replica({ catalog });
    await create(await world.replica(), { name: 'files', owner: 'ana' });
    expect((await errorOf(listed(replica, ana))).reason).toBe('CATALOG_UNAVAILABLE');
    expect((await errorOf(get(replica, ana, { name: 'files' }))).reason).toBe(
      'CATALOG_UNAVAILABLE',
    );
    isDown = false;
    expect((await listed(replica, ana)).size).toBe(1);
  });
});

type Item = Pick<HeldConnection, 'view' | 'key'> & Partial<HeldConnection>;

async function check({ services }: Replica, items: readonly (Item | SwitchboardError)[]) {
  const whole = items.map((item) =>
    item instanceof SwitchboardError
      ? item
      : { serverId: '', builtFrom: { configHash: 'unknown' }, ...item },
  );
  return (await services.checkConnections(requestOf(), whole)).value;
}

describe('CheckConnections', () => {
  it('tells current, stale with the new configuration, and gone [C2]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value } = await create(replica, { name: 'files' });
    const { configHash, id } = value;
    const key = { name: 'files' };
    const current = { view: ana, key, builtFrom: { configHash } };
    const byTime = { view: ana, key, builtFrom: { lastUpdatedAt: value.lastUpdatedAt } };
    expect(await check(replica, [current, byTime, { ...current, key: { id } }])).toEqual(
      Array(3).fill({ state: 'current' }),
    );
    const titled = (await update(replica, value, { specFields: { title: 'x' } })).value;
    const [same, older] = await check(replica, [current, byTime]);
    expect(same).toEqual({ state: 'current' });
    expect(older).toMatchObject({ state: 'stale', server: { record: titled } });
    const app = (await update(replica, titled, { fields: { tier: 'APP' } })).value;
    expect((await check(replica, [current]))[0]).toMatchObject({ state: 'stale' });
    await update(replica, app, { specFields: { enabled: false } });
    expect(await check(replica, [current])).toEqual([{ state: 'gone' }]);
  });

  it('knows another server of the same name and configuration [C2]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value: old } = await create(replica, { name: 'files', owner: 'ana' });
    await remove(replica, old);
    const { value } = await create(replica, { name: 'files', owner: 'ana' });
    const builtFrom = { configHash: value.configHash };
    const item = { view: ana, key: { name: 'files' }, builtFrom };
    const [unnamed, named] = await check(replica, [item, { ...item, serverId: old.id }]);
    expect([unnamed?.state, named?.state]).toEqual(['current', 'stale']);
  });

  it('answers each item by itself [C7]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value } = await create(replica, { name: 'files' });
    const good = { view: ana, key: { id: value.id }, builtFrom: { configHash: value.configHash } };
    const bad = { ...good, view: userView(' ') };
    const undecodable = new SwitchboardError('INVALID_FIELD');
    const states = (await check(replica, [bad, good, undecodable])).map(({ state }) => state);
    expect(states).toEqual(['failed', 'current', 'failed']);
  });

  it('calls nothing gone that only cooled down while it asked [C7, F3]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value } = await create(replica, { name: 'files', owner: 'ana' });
    const builtFrom = { configHash: value.configHash };
    const groups = (n: number) => upTo(20).map((g) => `g${String(n)}-${String(g)}`);
    const others = upTo(600).map((n) => ({
      view: userView(`u${String(n)}`, groups(n)),
      key: { name: 'files' },
    }));
    const [first] = await check(replica, [
      { view: ana, key: { name: 'files' }, builtFrom },
      ...others,
    ]);
    expect(first).toEqual({ state: 'current' });
  });
});
