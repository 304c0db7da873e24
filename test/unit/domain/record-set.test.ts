import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeCommit, type Change } from '../../../src/domain/commit.js';
import type { SourceRecord } from '../../../src/domain/source-record.js';
import { Overlay, RecordSet } from '../../../src/domain/record-set.js';
import type { StateIndex } from '../../../src/domain/resolve.js';
import { audienceOf, isShared, type StoredServer } from '../../../src/domain/server.js';
import type { LoadRecord } from '../../../src/domain/load-record.js';
import { arbitraryServer, NAMES, SUBJECTS, USERS } from '../../support/history/arbitraries.js';
import { loadChange, loadOf } from '../../support/loads/loads.js';
import { draftOf, recordOf } from '../../support/storage/builders.js';

const IDS = ['id-0', 'id-1', 'id-2', 'id-3'];

/** The plainest index: every question looks at all records. */
class NaiveState {
  readonly servers = new Map<string, StoredServer>();

  /** Names are unique among shared servers in any state of the log. */
  set(id: string, what: What): void {
    const known = this.servers.get(id);
    const server = typeof what === 'function' ? known && what(known) : what;
    this.servers.delete(id);
    if (server !== undefined && !this.isTaken(server)) this.servers.set(id, server);
  }

  isTaken({ record }: StoredServer): boolean {
    return (
      isShared(record) &&
      [...this.servers.values()].some(
        (other) =>
          isShared(other.record) &&
          other.record.name === record.name &&
          other.record.id !== record.id,
      )
    );
  }

  copy(): NaiveState {
    const copy = new NaiveState();
    for (const [id, server] of this.servers) copy.servers.set(id, server);
    return copy;
  }
}

/** What becomes of a server: another one, none, or what is made of the one that is there. */
type What = StoredServer | undefined | ((server: StoredServer) => StoredServer);

/** The same server with the same grants, changed in something by which nobody finds it. */
function touched({ record, grants }: StoredServer): StoredServer {
  return { record: { ...record, revision: record.revision + 1 }, grants };
}

/** The same server with the same grants under another name. */
function renamed({ record, grants }: StoredServer): StoredServer {
  const [name = ''] = NAMES.filter((each) => each !== record.name);
  return { record: { ...record, name }, grants };
}

/** Everything that the state answers equals what looking at all records answers. */
function expectSame(state: StateIndex, { servers }: NaiveState): void {
  const all = [...servers.values()];
  const ids = (found: Iterable<StoredServer>) => [...found].map(({ record }) => record.id).sort();
  const shared = all.filter(({ record }) => isShared(record));
  expect(ids(state.allShared())).toEqual(ids(shared));
  for (const id of IDS) expect(state.byId(id)).toBe(servers.get(id));
  for (const name of NAMES) {
    expect(state.shared(name)).toBe(shared.find(({ record }) => record.name === name));
  }
  for (const subject of SUBJECTS) {
    const seen = all.filter(
      (server) => !isShared(server.record) && audienceOf(server).includes(subject),
    );
    const found = new Set(state.privateOf(subject));
    expect(ids(found)).toEqual(ids(seen));
    for (const server of found) expect(server).toBe(servers.get(server.record.id));
    for (const name of NAMES) {
      const named = [...state.privateNamed(subject, name)];
      expect(ids(new Set(named))).toEqual(ids(seen.filter(({ record }) => record.name === name)));
      for (const server of named) expect(server).toBe(servers.get(server.record.id));
    }
  }
}

const arbitraryAction = fc
  .tuple(fc.constantFrom(...IDS), fc.constantFrom('put', 'touch', 'rename', 'remove'))
  .chain(([id, kind]) =>
    arbitraryServer(id).map((server) => {
      const whats: Record<typeof kind, What> = {
        put: server,
        touch: touched,
        rename: renamed,
        remove: undefined,
      };
      return { id, server: whats[kind] };
    }),
  );
const arbitraryActions = fc.array(arbitraryAction, { maxLength: 12 });

function putAll(set: RecordSet, { servers }: NaiveState): void {
  for (const id of IDS) {
    const server = servers.get(id);
    if (server === undefined) set.remove(id);
    else set.put(server);
  }
}

describe('RecordSet', () => {
  it('answers as a search of all its records would [P9]', () => {
    fc.assert(
      fc.property(arbitraryActions, (actions) => {
        const naive = new NaiveState();
        const records = new RecordSet();
        for (const { id, server } of actions) {
          naive.set(id, server);
          if (naive.servers.has(id)) records.put(naive.servers.get(id)!);
          else records.remove(id);
          expectSame(records, naive);
          expect(records.size).toBe(naive.servers.size);
        }
      }),
    );
  });

  it('indexes only the subjects that it tracks', () => {
    fc.assert(
      fc.property(arbitraryServer('id-0'), (server) => {
        const records = new RecordSet((subject) => subject === 'user:ana');
        records.put(server);
        expect([...records.privateOf('user:bob')]).toEqual([]);
        const isSeen = !isShared(server.record) && audienceOf(server).includes('user:ana');
        expect([...records.privateOf('user:ana')]).toEqual(isSeen ? [server] : []);
      }),
    );
  });
});

describe('Overlay', () => {
  it('answers as its own copy of the base with the changes would', () => {
    fc.assert(
      fc.property(arbitraryActions, arbitraryActions, (first, second) => {
        const base = new NaiveState();
        for (const { id, server } of first) base.set(id, server);
        const records = new RecordSet();
        putAll(records, base);
        const naive = base.copy();
        const overlay = new Overlay(records);
        for (const { id, server } of second) {
          naive.set(id, server);
          overlay.set(id, naive.servers.get(id));
          expectSame(overlay, naive);
        }
        expectSame(records, base);
      }),
    );
  });

  it('stays what it is while the base moves, where it was pinned before [P17]', () => {
    fc.assert(
      fc.property(arbitraryActions, arbitraryActions, fc.subarray(IDS), (first, second, moved) => {
        const base = new NaiveState();
        for (const { id, server } of first) base.set(id, server);
        const records = new RecordSet();
        putAll(records, base);
        const frozen = base.copy();
        const overlay = new Overlay(records);
        // It may have gone its own way before.
        for (const id of moved) {
          frozen.set(id, touched);
          overlay.set(id, frozen.servers.get(id));
        }
        for (const { id, server } of second) {
          overlay.pin(id);
          base.set(id, server);
          putAll(records, base);
          expectSame(overlay, frozen);
        }
      }),
    );
  });

  it('moves by commits as the changes applied one by one do', () => {
    fc.assert(
      fc.property(arbitraryActions, (actions) => {
        const naive = new NaiveState();
        const overlay = new Overlay(new RecordSet());
        let revision = 0;
        for (const { id, server } of actions) {
          const before = naive.servers.get(id);
          naive.set(id, server);
          const after = naive.servers.get(id);
          if (before === undefined && after === undefined) continue;
          const change: Change = {
            ...(before === undefined ? {} : { before: before.record }),
            ...(after === undefined ? {} : { after: after.record }),
            access: { revoked: before?.grants ?? [], granted: after?.grants ?? [] },
          };
          const place = { epoch: 'e', revision, fingerprint: '' };
          overlay.apply(placeCommit(draftOf(change), place));
          revision += 1;
          const held = overlay.byId(id);
          expect(held).toEqual(after);
          naive.servers.delete(id);
          if (held !== undefined) naive.servers.set(id, held);
          expectSame(overlay, naive);
        }
      }),
    );
  });
});

describe('load records', () => {
  type Loads = ReadonlyMap<string, LoadRecord>;

  const expectLoads = (state: StateIndex, loads: Loads): void => {
    for (const user of USERS) expect(state.loadOf(user)).toBe(loads.get(user));
  };
  const arbitraryLoad = fc
    .record({
      user: fc.constantFrom(...USERS),
      revision: fc.integer({ min: 1, max: 9 }),
      serverCount: fc.nat(3),
      isGone: fc.integer({ min: 0, max: 3 }).map((odds) => odds === 0),
    })
    .map(({ user, isGone, ...parts }) => ({
      user,
      load: isGone ? undefined : loadOf(user, parts),
    }));
  const arbitraryLoads = fc.array(arbitraryLoad, { maxLength: 10 });

  /** What a map of load records becomes. */
  function move(loads: Map<string, LoadRecord>, user: string, load: LoadRecord | undefined): void {
    if (load === undefined) loads.delete(user);
    else loads.set(user, load);
  }

  /** A set of these, and what it should hold. */
  function filled(actions: readonly { user: string; load: LoadRecord | undefined }[]) {
    const [records, loads] = [new RecordSet(), new Map<string, LoadRecord>()];
    for (const { user, load } of actions) {
      move(loads, user, load);
      if (load === undefined) records.removeLoad(user);
      else records.putLoad(load);
    }
    return { records, loads };
  }

  it('are those that were put last, each by its user', () => {
    fc.assert(
      fc.property(arbitraryLoads, (actions) => {
        const { records, loads } = filled(actions);
        expectLoads(records, loads);
        expect([...records.loadedUsers()].sort()).toEqual([...loads.keys()].sort());
        expect(records.size).toBe(0);
      }),
    );
  });

  it('of an overlay differ where they were set, and leave the base alone', () => {
    fc.assert(
      fc.property(arbitraryLoads, arbitraryLoads, (first, second) => {
        const { records, loads } = filled(first);
        const [overlay, due] = [new Overlay(records), new Map(loads)];
        for (const { user, load } of second) {
          move(due, user, load);
          overlay.setLoad(user, load);
          expectLoads(overlay, due);
        }
        expectLoads(records, loads);
      }),
    );
  });

  it('of an overlay stay while the base moves, where they were pinned before [P17]', () => {
    fc.assert(
      fc.property(arbitraryLoads, arbitraryLoads, arbitraryLoads, (first, own, second) => {
        const { records, loads } = filled(first);
        const overlay = new Overlay(records);
        // It may have gone its own way before.
        for (const { user, load } of own) {
          overlay.setLoad(user, load);
          move(loads, user, load);
        }
        for (const { user, load } of second) {
          overlay.pinLoad(user);
          if (load === undefined) records.removeLoad(user);
          else records.putLoad(load);
          expectLoads(overlay, loads);
        }
      }),
    );
  });

  it('move with commits, and go back by what was before', () => {
    fc.assert(
      fc.property(arbitraryLoads, arbitraryLoads, (first, second) => {
        const { records, loads } = filled(first);
        const overlay = new Overlay(records);
        const changes = second.flatMap(({ user, load }) => {
          if (load === undefined) return [];
          const change = loadChange(loads.get(user), load);
          loads.set(user, load);
          return [change];
        });
        for (const change of changes) overlay.apply({ changes: [], loads: [change] });
        expectLoads(overlay, loads);
        for (const { before, after } of changes.toReversed()) overlay.setLoad(after.user, before);
        expectLoads(overlay, filled(first).loads);
      }),
    );
  });

  it('are all moved by a commit that touches several, beside its changes', () => {
    const overlay = new Overlay(new RecordSet());
    const [ana, bob] = [loadOf('ana'), loadOf('bob')];
    const draft = draftOf({ after: recordOf({ id: 'a' }) });
    overlay.apply({ ...draft, loads: [{ after: ana }, { after: bob }] });
    expectLoads(
      overlay,
      new Map([
        ['ana', ana],
        ['bob', bob],
      ]),
    );
    expect(overlay.byId('a')).toBeDefined();
    overlay.apply(draftOf({ before: recordOf({ id: 'a' }) }));
    expectLoads(
      overlay,
      new Map([
        ['ana', ana],
        ['bob', bob],
      ]),
    );
  });
});

describe('the private source', () => {
  const first: SourceRecord = {
    name: 'crm',
    namespace: 'crm',
    state: 'active',
    formerNames: [],
    revision: 1,
  };
  const second: SourceRecord = { ...first, name: 'hub', formerNames: ['crm'], revision: 2 };

  it('is the one that was put last; an overlay follows it until it differs or is pinned [P17]', () => {
    const records = new RecordSet();
    const [following, pinned] = [new Overlay(records), new Overlay(records)];
    expect(records.privateSource()).toBeUndefined();
    pinned.pinSource();
    records.putSource(first);
    expect([following, pinned].map((state) => state.privateSource())).toEqual([first, undefined]);
    following.apply({ changes: [], source: { before: first, after: second } });
    expect([following, records].map((state) => state.privateSource())).toEqual([second, first]);
    following.apply({ changes: [] });
    expect(following.privateSource()).toBe(second);
    following.setSource(undefined);
    expect(following.privateSource()).toBeUndefined();
  });
});
