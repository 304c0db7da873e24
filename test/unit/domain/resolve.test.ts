import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecordSet } from '../../../src/domain/record-set.js';
import {
  compareText,
  listResolved,
  maySee,
  resolve,
  sightOf,
  sightWins,
} from '../../../src/domain/resolve.js';
import type { StoredServer } from '../../../src/domain/server.js';
import {
  APP_VIEW,
  INVENTORY_VIEW,
  subjectsOf,
  userView,
  type ReaderView,
} from '../../../src/domain/view.js';
import { arbitraryState, NAMES, VIEWS } from '../../support/history/arbitraries.js';
import { grantsAt, recordOf, type RecordParts } from '../../support/storage/builders.js';

const ana = userView('ana', ['dev']);

function indexOf(servers: readonly StoredServer[]): RecordSet {
  const records = new RecordSet();
  for (const server of servers) records.put(server);
  return records;
}

function server(parts: RecordParts, grants: StoredServer['grants'] = []): StoredServer {
  return { record: recordOf({ name: 'files', ...parts }), grants };
}

function winner(view: ReaderView, ...servers: readonly StoredServer[]): string | undefined {
  return resolve(indexOf(servers), 'files', view)?.record.id;
}

/** The rule once more, the plainest way: all that may be seen, ranked. */
function naiveResolve(
  servers: readonly StoredServer[],
  name: string,
  view: ReaderView,
): StoredServer | undefined {
  const subjects = subjectsOf(view);
  const ranked = servers.flatMap((each): { key: (number | string)[]; each: StoredServer }[] => {
    const { record, grants } = each;
    if (record.name !== name) return [];
    if (record.tier === 'APP') return [{ key: [0, 0, ''], each }];
    if (view.kind === 'app') return [];
    if (record.tier === 'USER') return [{ key: [0, 0, ''], each }];
    if (record.owner === view.user) return [{ key: [1, 0, record.id], each }];
    const mine = grants.filter(({ subject }) => subjects.includes(subject));
    if (mine.length === 0) return [];
    return [{ key: [2, Math.min(...mine.map(({ revision }) => revision)), record.id], each }];
  });
  return ranked.sort((a, b) => compareKeys(a.key, b.key))[0]?.each;
}

function compareKeys(a: readonly (number | string)[], b: readonly (number | string)[]): number {
  for (const [index, part] of a.entries()) {
    const other = b[index]!;
    if (part !== other) return part < other ? -1 : 1;
  }
  return 0;
}

describe('resolve', () => {
  it('prefers a shared server to the private one that the user owns [R5]', () => {
    const own = server({ id: 'own', owner: 'ana' });
    expect(winner(ana, own, server({ id: 'user', tier: 'USER' }))).toBe('user');
    expect(winner(ana, own, server({ id: 'app', tier: 'APP' }))).toBe('app');
    expect(winner(ana, own)).toBe('own');
  });

  it('prefers what the user owns to what was granted, however early', () => {
    const granted = server({ id: 'a', owner: 'bob' }, grantsAt(1, 'user:ana'));
    expect(winner(ana, granted, server({ id: 'z', owner: 'ana' }))).toBe('z');
  });

  it('takes the grant of the lowest revision, of a user or of a group', () => {
    const late = server({ id: 'a', owner: 'bob' }, grantsAt(9, 'user:ana'));
    const early = server({ id: 'b', owner: 'zoe' }, grantsAt(3, 'group:dev'));
    expect(winner(ana, late, early)).toBe('b');
    expect(winner(userView('ana'), late, early)).toBe('a');
  });

  it('counts the earliest of several grants of one server', () => {
    const twice = server({ id: 'b', owner: 'bob' }, [
      ...grantsAt(2, 'group:dev'),
      ...grantsAt(9, 'user:ana'),
    ]);
    const between = server({ id: 'a', owner: 'zoe' }, grantsAt(5, 'user:ana'));
    expect(winner(ana, twice, between)).toBe('b');
  });

  it('takes the smaller id of grants of one revision', () => {
    const [a, b] = ['a', 'b'].map((id) =>
      server({ id, owner: `owner-${id}` }, grantsAt(4, 'user:ana')),
    );
    expect(winner(ana, b!, a!)).toBe('a');
    expect(winner(ana, a!, b!)).toBe('a');
  });

  it('lets a disabled server shadow, and answers it', () => {
    const disabled = server({ id: 'off', tier: 'USER', spec: { enabled: false } });
    expect(winner(ana, server({ id: 'own', owner: 'ana' }), disabled)).toBe('off');
  });

  it('shows the app view APP servers only, and no USER server behind a name', () => {
    expect(winner(APP_VIEW, server({ id: 'user', tier: 'USER' }))).toBeUndefined();
    expect(winner(APP_VIEW, server({ id: 'own', owner: 'ana' }))).toBeUndefined();
    expect(winner(APP_VIEW, server({ id: 'app', tier: 'APP' }))).toBe('app');
  });

  it('keeps private servers of one name apart per user [R7]', () => {
    const [mine, theirs] = ['ana', 'bob'].map((owner) => server({ id: owner, owner }));
    expect(winner(userView('ana'), mine!, theirs!)).toBe('ana');
    expect(winner(userView('bob'), mine!, theirs!)).toBe('bob');
    expect(winner(userView('zoe'), mine!, theirs!)).toBeUndefined();
  });

  it('agrees with the rule spelled out, for random states, views and names', () => {
    fc.assert(
      fc.property(arbitraryState, (servers) => {
        const index = indexOf(servers);
        for (const view of VIEWS) {
          for (const name of NAMES) {
            expect(resolve(index, name, view)).toBe(naiveResolve(servers, name, view));
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('resolve, of a name in another form than NFC', () => {
  const [nfc, nfd] = ['caf\u00e9', 'cafe\u0301'];
  const idOf = (name: string, ...servers: readonly StoredServer[]): string | undefined =>
    resolve(indexOf(servers), name, ana)?.record.id;

  it('finds the one in NFC', () => {
    const shared = server({ id: 'a', name: nfc, tier: 'USER' });
    const own = server({ id: 'b', name: nfc, tier: 'PRIVATE', owner: 'ana' });
    expect([idOf(nfc, shared), idOf(nfd, shared)]).toEqual(['a', 'a']);
    expect([idOf(nfc, own), idOf(nfd, own)]).toEqual(['b', 'b']);
  });

  it('finds one from before names were normalised, which NFC does not', () => {
    const old = server({ id: 'a', name: nfd, tier: 'USER' });
    const now = server({ id: 'b', name: nfc, tier: 'USER' });
    expect([idOf(nfd, old, now), idOf(nfc, old, now)]).toEqual(['a', 'b']);
    expect(idOf(nfc, old)).toBeUndefined();
  });
});

describe('listResolved', () => {
  it('holds exactly what get finds, ordered by name, for random states and views', () => {
    fc.assert(
      fc.property(arbitraryState, (servers) => {
        const index = indexOf(servers);
        for (const view of VIEWS) {
          const found = NAMES.toSorted(compareText).flatMap(
            (name) => resolve(index, name, view) ?? [],
          );
          expect(listResolved(index, view)).toEqual(found);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('sightWins', () => {
  it('picks among sights what resolve picks among records, for random states', () => {
    fc.assert(
      fc.property(arbitraryState, (servers) => {
        const index = indexOf(servers);
        for (const view of VIEWS) {
          for (const name of NAMES) {
            if (index.shared(name) !== undefined || view.kind === 'app') continue;
            const sights = servers
              .filter(({ record }) => record.name === name)
              .flatMap((each) => {
                const sight = sightOf(each, view);
                return sight === undefined ? [] : [{ ...sight, id: each.record.id }];
              });
            const best = sights.find((a) => sights.every((b) => a === b || sightWins(a, b)));
            expect(best?.id).toBe(resolve(index, name, view)?.record.id);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('is a strict order: of two different sights exactly one wins, and none over itself', () => {
    const sights = [true, false].flatMap((owned) =>
      [0, 1, 2].flatMap((grantRevision) => ['a', 'b'].map((id) => ({ owned, grantRevision, id }))),
    );
    for (const a of sights) {
      expect(sightWins(a, a)).toBe(false);
      for (const b of sights) {
        // Two servers never share an id; owned ones do not look at grants.
        if (a.id !== b.id) expect(sightWins(a, b)).toBe(!sightWins(b, a));
      }
    }
  });
});

describe('maySee', () => {
  it('finds by id what any subject may see, shadowed or not', () => {
    const shadowed = server({ id: 'own', owner: 'ana' });
    expect(maySee(shadowed, ana)).toBe(true);
    expect(maySee(shadowed, userView('bob'))).toBe(false);
    expect(maySee(shadowed, APP_VIEW)).toBe(false);
    expect(maySee(shadowed, INVENTORY_VIEW)).toBe(true);
    expect(maySee(server({ tier: 'USER' }), userView('bob'))).toBe(true);
    expect(maySee(server({ tier: 'USER' }), APP_VIEW)).toBe(false);
    expect(maySee(server({ tier: 'APP' }), APP_VIEW)).toBe(true);
  });

  it('shows a view all that it resolves to, for random states', () => {
    fc.assert(
      fc.property(arbitraryState, (servers) => {
        const index = indexOf(servers);
        for (const view of VIEWS) {
          expect(listResolved(index, view).every((each) => maySee(each, view))).toBe(true);
        }
      }),
    );
  });
});
