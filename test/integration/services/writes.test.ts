import { describe, expect, it, vi } from 'vitest';
import { isSwitchboardError, SwitchboardError } from '../../../src/domain/errors.js';
import type { ServerRecord } from '../../../src/domain/server.js';
import { INVENTORY_VIEW, userView } from '../../../src/domain/view.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import type { Relay } from '../../../src/storage/relay.js';
import { openLmdbCatalog } from '../../../src/storage/catalog/lmdb/open-lmdb-catalog.js';
import { eventually } from '../../support/eventually.js';
import { useFakeIntervals } from '../../support/fake-intervals.js';
import { changeAccess } from '../../support/commits/commits.js';
import {
  catchUp,
  create,
  declarationFor,
  get,
  listed,
  openWorld,
  remove,
  requestOf,
  TENANT,
  tokenOf,
  update,
  watch,
  type Replica,
} from '../../support/services/world.js';
import { decodeFrames } from '../../support/services/sinks.js';
import type { WatchFrame } from '../../support/services/encoders.js';
import { readLog } from '../../support/storage/builders.js';
import { withMethods } from '../../support/storage/reads.js';
import { reasonOf } from '../../support/reason-of.js';

useFakeIntervals();

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

async function refusalOf(work: Promise<unknown>): Promise<SwitchboardError | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (isSwitchboardError(error)) return error;
    throw error;
  }
}

const revisionOf = async (catalog: Catalog): Promise<number> =>
  (await catalog.log.head(TENANT)).revision;

/** Something that tests wait for, or let others wait for. */
function signalled(): { readonly done: Promise<void>; readonly signal: () => void } {
  let signal = (): void => undefined;
  const done = new Promise<void>((resolve) => (signal = resolve));
  return {
    done,
    signal: () => {
      signal();
    },
  };
}

describe('a repeated request', () => {
  it('has the answer of the first, and one effect [R3, P13]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const first = await create(replica, { name: 'files' }, { requestId: 'r' });
    await create(replica, { name: 'mail' });
    const again = await create(replica, { name: 'files' }, { requestId: 'r' });
    expect(again.value).toEqual(first.value);
    expect(again.position).toEqual(first.position);
    expect(await revisionOf(world.catalog)).toBe(2);
  });

  it('is refused with another body or method, and free to another tenant [R3, P13]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value } = await create(replica, { name: 'files' }, { requestId: 'r' });
    const other = create(replica, { name: 'mail' }, { requestId: 'r' });
    expect(await reasonOf(other)).toBe('REQUEST_ID_REUSED');
    expect(await reasonOf(remove(replica, value, { requestId: 'r' }))).toBe('REQUEST_ID_REUSED');
    const elsewhere = create(replica, { name: 'mail' }, { requestId: 'r', tenant: 'globex' });
    expect(await reasonOf(elsewhere)).toBe('done');
  });

  it('has one effect when both are under way at once [R3]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const answers = await Promise.all(
      upTo(8).map(() => create(replica, { name: 'files' }, { requestId: 'r' })),
    );
    expect(new Set(answers.map(({ value }) => value.id)).size).toBe(1);
    expect(await revisionOf(world.catalog)).toBe(1);
  });

  it('has one effect, however much is committed while the second is looked up [R3, P11]', async () => {
    await using world = await openWorld();
    // However long this takes, no call takes too long.
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] });
    const [first, second, gate] = [signalled(), signalled(), signalled()];
    let asked = 0;
    const catalog: Catalog = withMethods(world.catalog, {
      answers: async (...args) => {
        const answer = await world.catalog.projections.answers(...args);
        asked += 1;
        // The second question is answered before the first commits, and the answer arrives late.
        if (asked === 1) {
          first.signal();
          await second.done;
        } else if (asked === 2) {
          second.signal();
          await gate.done;
        }
        return answer;
      },
    });
    const replica = await world.replica({ catalog });
    await create(replica, { name: 'opens the tenant' });
    const twin = () => create(replica, { name: 'files' }, { requestId: 'r' });
    const one = twin();
    await first.done;
    const other = twin();
    const { value } = await one;
    await remove(replica, value);
    // More than the replica remembers, so that it has to look again.
    await Promise.all(upTo(2_100).map((n) => create(replica, { name: `n${String(n)}` })));
    gate.signal();
    expect((await other).value.id).toBe(value.id);
  });

  it('has the answer of the first after the store was opened again [R3, F1]', async () => {
    await using world = await openWorld({ engine: 'lmdb' });
    const first = await create(await world.replica(), { name: 'files' }, { requestId: 'r' });
    const catalog = await openLmdbCatalog({ dataDir: world.dataDir });
    const replica = await world.replica({ catalog });
    const again = await create(replica, { name: 'files' }, { requestId: 'r' });
    expect([again.value, again.position]).toEqual([first.value, first.position]);
    await catalog.close();
  });

  it('is not executed twice by a replica that lags [P11]', async () => {
    await using world = await openWorld();
    const [near, far] = [await world.replica(), await world.replica()];
    await listed(far, INVENTORY_VIEW);
    const first = await create(near, { name: 'files' }, { requestId: 'r' });
    const again = await create(far, { name: 'files' }, { requestId: 'r' });
    expect([again.value, again.position]).toEqual([first.value, first.position]);
  });

  it('is decided anew where the first was refused or changed nothing [P13]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value } = await create(replica, { name: 'files' });
    const refused = create(replica, { name: 'files' }, { requestId: 'r' });
    expect(await reasonOf(refused)).toBe('NAME_TAKEN');
    await remove(replica, value);
    expect(await reasonOf(create(replica, { name: 'files' }, { requestId: 'r' }))).toBe('done');
  });
});

describe('a write', () => {
  it('that changes nothing makes no commit and no event [R4]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value } = await create(replica, { name: 'files' });
    const { sink, live } = watch(replica, userView('ana'));
    await live;
    const told = sink.frames.length;
    const same = await update(replica, value, { fields: { name: 'files' } });
    expect(same.value).toEqual(value);
    expect(await revisionOf(world.catalog)).toBe(1);
    expect(sink.frames).toHaveLength(told);
    const old = update(replica, { id: value.id, etag: 'old' }, { fields: { name: 'files' } });
    expect(await reasonOf(old)).toBe('ETAG_MISMATCH');
  });

  it('to be validated only runs every check and changes nothing [R6]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const { value } = await create(replica, { name: 'files', owner: 'ana' });
    await changeAccess(world.catalog, { tenant: TENANT, id: value.id }, { grant: ['group:dev'] });
    const more = { validateOnly: true, requestId: 'r' };
    const created = await create(replica, { name: 'mail' }, more);
    expect(created.value).toMatchObject({ id: '', etag: '', name: 'mail' });
    expect(await reasonOf(create(replica, { name: 'files', owner: 'ana' }, more))).toBe(
      'NAME_TAKEN',
    );
    const renamed = await update(replica, value, { fields: { name: 'x' }, validateOnly: true });
    expect(renamed.value.name).toBe('x');
    const deleted = await remove(replica, value, more);
    expect(deleted.value.affected).toEqual({
      everyone: false,
      subjects: ['user:ana', 'group:dev'],
    });
    expect(await revisionOf(world.catalog)).toBe(2);
    // It took no request id either.
    expect(await reasonOf(create(replica, { name: 'other' }, { requestId: 'r' }))).toBe('done');
  });

  it('is seen by a list and a get on the replica that took it, at its token [R1]', async () => {
    await using world = await openWorld();
    const [near, far] = [await world.replica(), await world.replica()];
    const view = userView('ana');
    await Promise.all([listed(near, view), listed(far, view)]);
    const { value, position } = await create(near, { name: 'files', owner: 'ana' });
    expect((await get(near, view, { name: 'files' })).value.record).toEqual(value);
    expect((await get(far, view, { id: value.id }, tokenOf(position))).value.record).toEqual(value);
  });

  it('says which fields are wrong before anything is read or written', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const error = await refusalOf(create(replica, { name: 'a/b', owner: ' ' }));
    expect(error?.violations.map(({ field }) => field)).toEqual(['server.name', 'server.owner']);
    const bad = { owner: 'x'.repeat(10_240) };
    const target = { id: 'x', etag: 'y' };
    expect((await refusalOf(update(replica, target, bad)))?.violations[0]?.field).toBe(
      'server.owner',
    );
    const late = {
      declared: declarationFor({ name: 'a' }),
      policy: 'fail' as const,
      validateOnly: false,
      reason: '',
    };
    const long = replica.services.createServer(requestOf(), {
      ...late,
      requestId: 'x'.repeat(200),
    });
    expect((await refusalOf(long))?.violations[0]?.field).toBe('request_id');
    expect(await revisionOf(world.catalog)).toBe(0);
  });
});

describe('writers that race', () => {
  it('share appends: 64 writes at once take a few [P12]', async () => {
    await using world = await openWorld();
    let appends = 0;
    const catalog: Catalog = withMethods(world.catalog, {
      append: (...args) => {
        appends += 1;
        return world.catalog.log.append(...args);
      },
    });
    const replica = await world.replica({ catalog });
    await Promise.all(upTo(64).map((n) => create(replica, { name: `n${String(n)}` })));
    expect(await revisionOf(world.catalog)).toBe(64);
    expect(appends).toBeLessThanOrEqual(8);
  });

  it('split a batch that is too large, and lose nothing of it [P5]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const text = 'x'.repeat(90_000);
    const spec = { instructions: { kind: 'text', text } } as const;
    const names = upTo(150).map((n) => `n${String(n)}`);
    const writes = [
      ...names.map((name) => create(replica, { name, spec })),
      ...names.slice(0, 5).map((name) => create(replica, { name })),
    ];
    const results = await Promise.all(writes.map(reasonOf));
    expect(results.slice(0, 150).every((result) => result === 'done')).toBe(true);
    expect(results.slice(150)).toEqual(Array(5).fill('NAME_TAKEN'));
    expect(await revisionOf(world.catalog)).toBe(150);
  });

  it('for one name on two replicas: exactly one gets it [R2, P15]', async () => {
    await using world = await openWorld();
    const replicas = [await world.replica(), await world.replica()];
    for (const round of upTo(10)) {
      const name = `n${String(round)}`;
      const results = await Promise.all(
        [...replicas, ...replicas].map((replica) => reasonOf(create(replica, { name }))),
      );
      expect(results.toSorted()).toEqual(['NAME_TAKEN', 'NAME_TAKEN', 'NAME_TAKEN', 'done']);
    }
  });

  it('for one etag on two replicas: one wins, the others are told the current etag [R2, D33]', async () => {
    await using world = await openWorld();
    const replicas = [await world.replica(), await world.replica()];
    let { value: current } = await create(replicas[0]!, { name: 'files' });
    for (const round of upTo(10)) {
      const outcomes = await Promise.all(
        [...replicas, ...replicas].map(async (replica, index) => {
          const title = `${String(round)} ${String(index)}`;
          const work = update(replica, current, { specFields: { title } });
          return {
            error: await refusalOf(work),
            value: (await work.catch(() => undefined))?.value,
          };
        }),
      );
      const won = outcomes.filter(({ error }) => error === undefined);
      expect(won).toHaveLength(1);
      current = won[0]!.value!;
      for (const { error } of outcomes) {
        if (error === undefined) continue;
        expect(error.reason).toBe('ETAG_MISMATCH');
        expect(error.metadata['current_etag']).toBe(current.etag);
      }
    }
  });

  it('on different servers all succeed: losing a slot is no conflict [P15]', async () => {
    await using world = await openWorld();
    const replicas = [await world.replica(), await world.replica()];
    const servers = await Promise.all(
      upTo(32).map(async (n) => (await create(replicas[0]!, { name: `n${String(n)}` })).value),
    );
    const race = async (record: ServerRecord, replica: Replica): Promise<void> => {
      let current = record;
      for (const round of upTo(8)) {
        const title = String(round);
        current = (await update(replica, current, { specFields: { title } })).value;
      }
    };
    await Promise.all(servers.map((record, index) => race(record, replicas[index % 2]!)));
    const commits = await readLog(world.catalog, TENANT);
    expect(commits).toHaveLength(32 + 32 * 8);
    expect(commits.map(({ revision }) => revision)).toEqual(upTo(288).map((n) => n + 1));
  });

  it('raise last_updated_at, whatever the clock says [P6, F4]', async () => {
    await using world = await openWorld();
    let now = 10_000;
    const replica = await world.replica({ wallClock: () => (now -= 1_000) });
    let { value } = await create(replica, { name: 'files' });
    for (const title of ['a', 'b', 'c']) {
      const next = (await update(replica, value, { specFields: { title } })).value;
      expect(next.lastUpdatedAt).toBeGreaterThan(value.lastUpdatedAt);
      value = next;
    }
  });
});

describe('a write that waits for its turn', () => {
  it.each([
    ['CANCELLED', new SwitchboardError('CANCELLED')],
    ['NOT_WRITTEN', new SwitchboardError('DEADLINE_EXCEEDED')],
  ])('and is given up is not written, and says %s at once [R3, P12]', async (reason, cause) => {
    await using world = await openWorld();
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    let appends = 0;
    const catalog = withMethods(world.catalog, {
      append: async (...args) => {
        appends += 1;
        await gate;
        return world.catalog.log.append(...args);
      },
    });
    const { services } = await world.replica({ catalog });
    const caller = new AbortController();
    const writeAs = (name: string, signal: AbortSignal) =>
      services.createServer(requestOf({ signal }), {
        declared: declarationFor({ name }),
        policy: 'fail',
        requestId: name,
        validateOnly: false,
        reason: '',
      });
    const first = writeAs('first', new AbortController().signal);
    await eventually(() => expect(appends).toBe(1));
    const waiting = reasonOf(writeAs('given up', caller.signal));
    // It has been prepared, and stands in the queue.
    await new Promise((resolve) => setImmediate(resolve));
    caller.abort(cause);
    expect(await waiting).toBe(reason);
    expect(await reasonOf(writeAs('gone before', caller.signal))).toBe(reason);
    open();
    expect((await first).position.revision).toBe(1);
    expect((await writeAs('next', new AbortController().signal)).position.revision).toBe(2);
    expect(await revisionOf(world.catalog)).toBe(2);
  });
});

describe('a relay that never answers', () => {
  it('holds up no write, and no answer [R1, P12]', async () => {
    await using world = await openWorld();
    // What it returns never resolves, should anybody wait for it.
    const publish: unknown = () => new Promise(() => undefined);
    const relay: Relay = { ...world.relay, publish: publish as Relay['publish'] };
    const replica = await world.replica({ relay });
    const [one, other] = await Promise.all([
      create(replica, { name: 'files' }),
      create(replica, { name: 'mail' }),
    ]);
    expect([one.position.revision, other.position.revision].toSorted()).toEqual([1, 2]);
    expect((await remove(replica, one.value)).position.revision).toBe(3);
  });
});

describe('a replica that lags', () => {
  it('answers no stale refusal [P11]', async () => {
    await using world = await openWorld();
    const [near, far] = [await world.replica(), await world.replica()];
    const { value } = await create(near, { name: 'files' });
    const { value: kept } = await create(near, { name: 'mail' });
    await catchUp(far);
    await remove(near, value);
    const changed = (await update(near, kept, { specFields: { title: 'x' } })).value;
    expect(await reasonOf(create(far, { name: 'files' }))).toBe('done');
    expect(await reasonOf(update(far, changed, { specFields: { title: 'y' } }))).toBe('done');
  });

  it('refuses what a write that it has not seen forbids [R2, P11]', async () => {
    await using world = await openWorld();
    const [near, far] = [await world.replica(), await world.replica()];
    await listed(far, userView('ana'));
    const { value } = await create(near, { name: 'files', owner: 'ana' });
    expect(await reasonOf(create(far, { name: 'files', owner: 'ana' }))).toBe('NAME_TAKEN');
    const { value: other } = await create(near, { name: 'mail' });
    await remove(near, other);
    expect(await reasonOf(remove(far, other))).toBe('SERVER_NOT_FOUND');
    expect(await reasonOf(update(far, { ...value, etag: 'old' }, {}))).toBe('ETAG_MISMATCH');
  });

  it('tells ETAG_MISMATCH of a server that was transferred meanwhile [R2]', async () => {
    await using world = await openWorld();
    const [near, far] = [await world.replica(), await world.replica()];
    const { value } = await create(near, { name: 'files', owner: 'ana' });
    await listed(far, userView('ana'));
    await update(near, value, { owner: 'zoe' });
    expect(await reasonOf(update(far, value, { specFields: { title: 'x' } }))).toBe(
      'ETAG_MISMATCH',
    );
  });

  it('takes all grants away with a server that came to it by a difference [P4, W9]', async () => {
    await using world = await openWorld();
    const [near, far] = [await world.replica(), await world.replica()];
    const { value } = await create(near, { name: 'files', owner: 'zoe' });
    const target = { tenant: TENANT, id: value.id };
    await changeAccess(world.catalog, target, { grant: ['user:bob', 'group:dev'] });
    // Ana is followed here; Zoe, who owns it, is not. Then it becomes Ana's.
    await listed(far, userView('ana'));
    const { value: moved } = await update(near, value, { owner: 'ana' });
    await catchUp(far);
    const { value: deleted } = await remove(far, moved);
    expect(deleted.affected.subjects).toEqual(['user:ana', 'group:dev', 'user:bob']);
    const commit = (await readLog(world.catalog, TENANT)).at(-1);
    expect(commit?.changes[0]?.access?.revoked.map(({ subject }) => subject)).toEqual([
      'group:dev',
      'user:bob',
    ]);
  });
});

describe('a write that fails', () => {
  it('says that nothing was written when the Catalog cannot be read [R3, P12]', async () => {
    await using world = await openWorld();
    let isDown = false;
    const fail = (): void => {
      if (isDown) throw new SwitchboardError('CATALOG_UNAVAILABLE');
    };
    const catalog: Catalog = withMethods(world.catalog, {
      head: async (...args) => (fail(), world.catalog.log.head(...args)),
      answers: async (...args) => (fail(), world.catalog.projections.answers(...args)),
      privateServers: async (...args) => (
        fail(),
        world.catalog.projections.privateServers(...args)
      ),
    });
    const replica = await world.replica({ catalog });
    const { value } = await create(replica, { name: 'files' });
    isDown = true;
    expect(await reasonOf(create(replica, { name: 'x' }, { requestId: 'r' }))).toBe('NOT_WRITTEN');
    expect(await reasonOf(create(replica, { name: 'x', owner: 'ana' }))).toBe('NOT_WRITTEN');
    // A refusal needs the head as well: it may be a stale one.
    expect(await reasonOf(create(replica, { name: 'files' }))).toBe('NOT_WRITTEN');
    isDown = false;
    expect(await reasonOf(remove(replica, value))).toBe('done');
    expect(await revisionOf(world.catalog)).toBe(2);
  });

  it('says that it does not know, and the same request finds out [R3, P12]', async () => {
    await using world = await openWorld();
    let failing: string | undefined;
    const replica = await world.replica({
      failpoint: (name) => {
        if (name === failing) throw new Error('stopped here');
      },
    });
    await create(replica, { name: 'first' });
    for (const point of ['append.after', 'view.before', 'relay.before', 'answer.before']) {
      failing = point;
      const write = () => create(replica, { name: point }, { requestId: point });
      expect(await reasonOf(write())).toBe('OUTCOME_UNKNOWN');
      failing = undefined;
      expect((await write()).value.name).toBe(point);
    }
    expect(await revisionOf(world.catalog)).toBe(5);
    expect((await listed(replica, userView('ana'))).size).toBe(5);
  });

  it('fails alone: what waited with it is decided anew [C7, P12]', async () => {
    await using world = await openWorld();
    let isFailing = false;
    const catalog: Catalog = withMethods(world.catalog, {
      append: async (...args) => {
        if (!isFailing) return world.catalog.log.append(...args);
        isFailing = false;
        throw new SwitchboardError('OUTCOME_UNKNOWN');
      },
    });
    const replica = await world.replica({ catalog });
    await create(replica, { name: 'taken' });
    isFailing = true;
    const results = await Promise.all([
      reasonOf(create(replica, { name: 'a' })),
      reasonOf(create(replica, { name: 'taken' })),
      reasonOf(create(replica, { name: 'b' }, { validateOnly: true })),
    ]);
    expect(results).toEqual(['OUTCOME_UNKNOWN', 'NAME_TAKEN', 'done']);
  });

  it('does not stop the log when a stream cannot be told [R1, W12]', async () => {
    await using world = await openWorld();
    const replica = await world.replica();
    const [broken, healthy] = [watch(replica, userView('ana')), watch(replica, userView('ana'))];
    await Promise.all([broken.live, healthy.live]);
    broken.sink.write = () => {
      throw new Error('the socket is in an odd state');
    };
    expect(await reasonOf(create(replica, { name: 'files' }))).toBe('done');
    expect(broken.sink.ended?.error?.reason).toBe('INTERNAL');
    expect(decodeFrames<WatchFrame>(healthy.sink).at(-1)).toMatchObject({
      kind: 'closing',
      revision: 1,
    });
    expect((await listed(replica, userView('ana'))).size).toBe(1);
  });
});
