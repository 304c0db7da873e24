import { describe, expect, it } from 'vitest';
import { NodeView, subscriptionIdOf } from '../../../src/client/node-view.js';
import type { FeedChange } from '../../../src/client/view-feed.js';
import type { SubscriptionSight } from '../../../src/domain/node-stream.js';
import { RecordSet } from '../../../src/domain/record-set.js';
import { listResolved, maySee, resolve, sightOf } from '../../../src/domain/resolve.js';
import { isShared, type StoredServer } from '../../../src/domain/server.js';
import { APP_VIEW, userView, type ReaderView, type Subject } from '../../../src/domain/view.js';
import { printedSeed, randomFrom, type Random } from '../../support/random.js';
import { grantsAt, recordOf, type RecordParts } from '../../support/storage/builders.js';

const ANA = userView('ana');
const ANA_IN_TWO = userView('ana', ['blue', 'red']);
const BEN = userView('ben', ['red']);
const VIEWS: readonly ReaderView[] = [APP_VIEW, ANA, ANA_IN_TWO, BEN];
const SUBJECTS = ['user:ana', 'user:ben', 'user:eve', 'group:red', 'group:blue'] as const;

function sightsOf(server: StoredServer, views: readonly ReaderView[] = VIEWS): SubscriptionSight[] {
  return views.flatMap((view) => {
    const sight = sightOf(server, view);
    return sight === undefined ? [] : [{ subscriptionId: subscriptionIdOf(view), ...sight }];
  });
}

function upsert(server: StoredServer, views?: readonly ReaderView[]): FeedChange {
  return { kind: 'upsert', server: server.record, sights: sightsOf(server, views) };
}

function stored(parts: RecordParts, at = 1, ...subjects: readonly Subject[]): StoredServer {
  return { record: recordOf(parts), grants: grantsAt(at, ...subjects.toSorted()) };
}

/** A view that is known for all of VIEWS. */
function viewOf(...servers: readonly StoredServer[]): NodeView {
  const view = new NodeView();
  const synced = VIEWS.map(subscriptionIdOf);
  view.apply({ replaces: true, changes: servers.map((server) => upsert(server)), synced });
  return view;
}

const namesIn = (view: NodeView, reader: ReaderView): string[] =>
  view.list(reader).map(({ name }) => name);

describe('a node view', () => {
  it('answers as the one rule does after any change, for every view [W14, C5]', () => {
    const random = randomFrom(printedSeed('node view'));
    const servers = new Map<string, StoredServer>();
    const view = viewOf();
    for (let revision = 1; revision <= 2_000; revision += 1) {
      const changes = oneIn(random, 8) ? snapshot(servers) : step(random, servers, revision);
      const replaces = changes.isSnapshot;
      const synced = replaces ? VIEWS.map(subscriptionIdOf) : [];
      view.apply({ replaces, changes: changes.list, synced });
      for (const reader of VIEWS) compare(view, servers, reader);
    }
  });

  it('keeps nothing of what a view saw that begins anew, in one step [W9, P16]', () => {
    const kept = stored({ id: 'kept', name: 'kept', owner: 'ana' });
    const lost = stored({ id: 'lost', name: 'lost', owner: 'ana' });
    const both = stored({ id: 'both', name: 'both', owner: 'eve' }, 1, 'user:ana', 'user:ben');
    const view = viewOf(kept, lost, both);
    const told: (ReadonlySet<string> | undefined)[] = [];
    view.onApplied((ids) => told.push(ids));
    const id = subscriptionIdOf(ANA);
    view.apply({ replaces: false, changes: [upsert(kept)], synced: [id], begun: [id] });
    expect(namesIn(view, ANA)).toEqual(['kept']);
    expect(namesIn(view, ANA_IN_TWO)).toEqual(['both', 'kept', 'lost']);
    expect(namesIn(view, BEN)).toEqual(['both']);
    expect(told).toEqual([new Set(['kept', 'lost', 'both'])]);
  });

  it('is unknown until it is synced: unknown is not none [F3, P20]', () => {
    const view = new NodeView();
    const unknown = expect.objectContaining({ reason: 'VIEW_UNKNOWN' }) as Error;
    for (const reader of VIEWS) expect(() => view.list(reader)).toThrow(unknown);
    view.apply({ replaces: true, changes: [], synced: ['app'] });
    expect(view.list(APP_VIEW)).toEqual([]);
    expect(view.isKnown(APP_VIEW)).toBe(true);
    expect(() => view.resolve('x', ANA)).toThrow(unknown);
    expect(() => view.find('x', ANA)).toThrow(unknown);
    expect(view.isKnown(ANA)).toBe(false);
  });

  it('does not know what a snapshot no longer names', () => {
    const view = viewOf(stored({ name: 'docs', tier: 'APP' }));
    view.apply({ replaces: true, changes: [], synced: ['app'] });
    expect(view.list(APP_VIEW)).toEqual([]);
    expect(view.isKnown(ANA)).toBe(false);
  });

  it('lets two servers swap their names in one step [R5, W4]', () => {
    const [a, b] = [stored({ id: 'a', name: 'one' }), stored({ id: 'b', name: 'two' })];
    const view = viewOf(a, b);
    const renamed = (server: StoredServer, name: string): StoredServer => ({
      ...server,
      record: { ...server.record, name },
    });
    const changes = [upsert(renamed(a, 'two')), upsert(renamed(b, 'one'))];
    view.apply({ replaces: false, changes, synced: [] });
    expect(view.resolve('one', ANA)?.id).toBe('b');
    expect(view.resolve('two', ANA)?.id).toBe('a');
    expect(namesIn(view, ANA)).toEqual(['one', 'two']);
  });

  it('tells listeners once per step, when all of it is there [W4]', () => {
    const view = viewOf();
    const seen: unknown[] = [];
    view.onApplied((ids) => seen.push([ids && [...ids], namesIn(view, ANA)]));
    const changes = [
      upsert(stored({ id: 'a', name: 'a' })),
      upsert(stored({ id: 'b', name: 'b' })),
    ];
    view.apply({ replaces: false, changes, synced: [] });
    view.apply({ replaces: true, changes: changes.slice(0, 1), synced: [subscriptionIdOf(ANA)] });
    expect(seen).toEqual([
      [
        ['a', 'b'],
        ['a', 'b'],
      ],
      [undefined, ['a']],
    ]);
  });

  it('forgets a dropped subscription, and what nobody else sees', () => {
    const own = stored({ id: 'own', name: 'own', owner: 'ana' });
    const both = stored({ id: 'both', name: 'both', owner: 'eve' }, 1, 'user:ana', 'group:red');
    const view = viewOf(own, both, stored({ id: 'app', name: 'app', tier: 'APP' }));
    const changed: unknown[] = [];
    view.onApplied((ids) => changed.push([...(ids ?? [])].sort()));
    view.drop(subscriptionIdOf(ANA));
    view.drop(subscriptionIdOf(ANA_IN_TWO));
    expect(view.isKnown(ANA)).toBe(false);
    expect([...view.held()].map(({ id }) => id).sort()).toEqual(['app', 'both']);
    expect(namesIn(view, BEN)).toEqual(['app', 'both']);
    expect(changed).toEqual([
      ['both', 'own'],
      ['both', 'own'],
    ]);
    view.drop(subscriptionIdOf(BEN));
    expect([...view.held()].map(({ id }) => id)).toEqual(['app']);
  });

  it('keeps nothing that comes late for a subscription that was dropped', () => {
    const view = viewOf();
    const own = stored({ id: 'own', name: 'own', owner: 'ana' });
    view.apply({ replaces: false, changes: [upsert(own, [])], synced: [] });
    expect([...view.held()]).toEqual([]);
  });

  it('forgets what only users may see', () => {
    const view = viewOf(
      stored({ id: 'app', name: 'app', tier: 'APP' }),
      stored({ id: 'user', name: 'user', tier: 'USER' }),
      stored({ id: 'own', name: 'own', owner: 'ana' }),
    );
    view.forgetUsers();
    expect([...view.held()].map(({ id }) => id)).toEqual(['app']);
  });

  it('lets a listener go', () => {
    const view = viewOf();
    let calls = 0;
    const stop = view.onApplied(() => (calls += 1));
    stop();
    view.apply({ replaces: false, changes: [], synced: [] });
    expect(calls).toBe(0);
  });
});

interface Changes {
  readonly isSnapshot: boolean;
  readonly list: readonly FeedChange[];
}

function oneIn(random: Random, times: number): boolean {
  return random.below(times) === 0;
}

function snapshot(servers: ReadonlyMap<string, StoredServer>): Changes {
  const visible = [...servers.values()].filter((server) => isTold(server));
  return { isSnapshot: true, list: visible.map((server) => upsert(server)) };
}

/** Whether a node with VIEWS is told of it. */
function isTold(server: StoredServer): boolean {
  return isShared(server.record) || sightsOf(server).length > 0;
}

/** One commit of one or two changes. */
function step(random: Random, servers: Map<string, StoredServer>, revision: number): Changes {
  const list: FeedChange[] = [];
  for (let count = oneIn(random, 3) ? 2 : 1; count > 0; count -= 1) {
    const change = changeOne(random, servers, revision);
    if (change !== undefined) list.push(change);
  }
  return { isSnapshot: false, list };
}

function changeOne(
  random: Random,
  servers: Map<string, StoredServer>,
  revision: number,
): FeedChange | undefined {
  const id = `s${String(random.below(12))}`;
  const before = servers.get(id);
  if (before !== undefined && oneIn(random, 4)) {
    servers.delete(id);
    return isTold(before) ? { kind: 'removed', id } : undefined;
  }
  const tier = random.pick(['APP', 'USER', 'PRIVATE', 'PRIVATE'] as const);
  const name = random.pick(['a', 'b', 'c', 'd']);
  const owner = tier === 'PRIVATE' ? random.pick(['ana', 'ben', 'eve']) : undefined;
  if (isTaken(servers, id, { name, owner })) return undefined;
  const subjects = tier === 'PRIVATE' ? SUBJECTS.filter(() => oneIn(random, 3)) : [];
  const parts = { id, name, tier, revision, ...(owner === undefined ? {} : { owner }) };
  const after = stored(parts, revision - random.below(3), ...subjects);
  servers.set(id, after);
  if (isTold(after)) return upsert(after);
  return before !== undefined && isTold(before) ? { kind: 'removed', id } : undefined;
}

function isTaken(
  servers: ReadonlyMap<string, StoredServer>,
  id: string,
  wanted: { readonly name: string; readonly owner: string | undefined },
): boolean {
  return [...servers.values()].some(
    ({ record }) =>
      record.id !== id && record.name === wanted.name && record.owner === wanted.owner,
  );
}

function compare(
  view: NodeView,
  servers: ReadonlyMap<string, StoredServer>,
  reader: ReaderView,
): void {
  const all = [...servers.values()];
  const index = new RecordSet();
  for (const server of all) index.put(server);
  const list = view.list(reader);
  expect(list.map(({ id }) => id)).toEqual(listResolved(index, reader).map((s) => s.record.id));
  for (const name of ['a', 'b', 'c', 'd']) {
    const found = view.resolve(name, reader);
    expect(found).toBe(resolve(index, name, reader)?.record);
    expect(list.find((server) => server.name === name)).toBe(found);
  }
  for (const server of all) {
    const expected = maySee(server, reader) ? server.record : undefined;
    expect(view.find(server.record.id, reader)).toBe(expected);
  }
}
