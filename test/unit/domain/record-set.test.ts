import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeCommit, type Change } from '../../../src/domain/commit.js';
import { Overlay, RecordSet } from '../../../src/domain/record-set.js';
import type { StateIndex } from '../../../src/domain/resolve.js';
import { audienceOf, isShared, type StoredServer } from '../../../src/domain/server.js';
import { arbitraryServer, NAMES, SUBJECTS } from '../../support/history-arbitraries.js';
import { draftOf } from '../../support/storage-builders.js';

const IDS = ['id-0', 'id-1', 'id-2', 'id-3'];

/** The plainest index: every question looks at all records. */
class NaiveState {
  readonly servers = new Map<string, StoredServer>();

  /** Names are unique among shared servers in any state of the log. */
  set(id: string, what: StoredServer | 'touched' | undefined): void {
    const server = what === 'touched' ? touched(this.servers.get(id)) : what;
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

/** The same server with the same grants, changed in something that concerns nobody's sight. */
function touched(server: StoredServer | undefined): StoredServer | undefined {
  if (server === undefined) return undefined;
  const { record, grants } = server;
  return { record: { ...record, revision: record.revision + 1 }, grants };
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
  }
}

const arbitraryAction = fc
  .tuple(fc.constantFrom(...IDS), fc.constantFrom('put', 'touch', 'remove'))
  .chain(([id, kind]) =>
    arbitraryServer(id).map((server) => ({
      id,
      server: kind === 'put' ? server : kind === 'touch' ? ('touched' as const) : undefined,
    })),
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
          frozen.set(id, 'touched');
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
