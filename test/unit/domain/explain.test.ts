import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explain, type AccessCandidate, type Verdict } from '../../../src/domain/explain.js';
import { RecordSet } from '../../../src/domain/record-set.js';
import { rankNamed, resolve } from '../../../src/domain/resolve.js';
import type { StoredServer, Tombstone } from '../../../src/domain/server.js';
import { APP_VIEW, INVENTORY_VIEW, userView, type View } from '../../../src/domain/view.js';
import { whyNot } from '../../support/history/explain-oracle.js';
import { arbitraryState, NAMES, VIEWS } from '../../support/history/arbitraries.js';
import { grantsAt, recordOf, type RecordParts } from '../../support/storage/builders.js';

const ana = userView('ana', ['dev']);

function server(parts: RecordParts, grants: StoredServer['grants'] = []): StoredServer {
  return { record: recordOf({ name: 'files', ...parts }), grants };
}

function indexOf(servers: readonly StoredServer[]): RecordSet {
  const records = new RecordSet();
  for (const each of servers) records.put(each);
  return records;
}

/** Explained from all servers that there are. */
function explained(view: View, servers: readonly StoredServer[], deleted: Tombstone[] = []) {
  const ranked = view.kind === 'inventory' ? [] : rankNamed(indexOf(servers), 'files', view);
  const unseen = servers.filter((each) => !ranked.includes(each));
  return explain('files', view, { ranked, unseen, deleted });
}

const verdicts = (
  candidates: readonly AccessCandidate[],
): readonly (readonly [string, Verdict])[] => candidates.map(({ id, verdict }) => [id, verdict]);

describe('rankNamed', () => {
  it('begins with what resolve finds, and has each server that is seen once', () => {
    fc.assert(
      fc.property(arbitraryState, (servers) => {
        const index = indexOf(servers);
        for (const view of VIEWS) {
          for (const name of NAMES) {
            const ranked = rankNamed(index, name, view);
            expect(ranked[0]).toBe(resolve(index, name, view));
            expect(new Set(ranked).size).toBe(ranked.length);
            // Without those before it, each one is what the name resolves to.
            for (const [place, each] of ranked.entries()) {
              const rest = indexOf(servers.filter((one) => !ranked.slice(0, place).includes(one)));
              expect(resolve(rest, name, view)).toBe(each);
            }
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('explain', () => {
  it('tells a true verdict of every server of the name, for random states and views', () => {
    fc.assert(
      fc.property(arbitraryState, (all) => {
        for (const view of VIEWS) {
          for (const name of NAMES) {
            const servers = all.filter(({ record }) => record.name === name);
            const ranked = rankNamed(indexOf(all), name, view);
            const unseen = servers.filter((each) => !ranked.includes(each));
            const { candidates, winner } = explain(name, view, { ranked, unseen, deleted: [] });
            expect(winner).toBe(resolve(indexOf(all), name, view));
            expect(candidates.map(({ id }) => id).toSorted()).toEqual(
              servers.map(({ record }) => record.id).toSorted(),
            );
            expect(whyNot(candidates, servers, view)).toEqual([]);
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it('shadows by a shared server, by an owned one, by an earlier grant', () => {
    const shared = server({ id: 'shared', tier: 'USER' });
    const owned = server({ id: 'owned', owner: 'ana' });
    const early = server({ id: 'early', owner: 'bob' }, grantsAt(3, 'group:dev'));
    const late = server({ id: 'late', owner: 'zoe' }, grantsAt(7, 'user:ana'));
    const all = [late, owned, early, shared];
    expect(verdicts(explained(ana, all).candidates)).toEqual([
      ['shared', 'wins'],
      ['owned', 'shadowed_by_shared'],
      ['early', 'shadowed_by_shared'],
      ['late', 'shadowed_by_shared'],
    ]);
    expect(verdicts(explained(ana, [late, owned, early]).candidates)).toEqual([
      ['owned', 'wins'],
      ['early', 'shadowed_by_owned'],
      ['late', 'shadowed_by_owned'],
    ]);
    const granted = explained(ana, [late, early]);
    expect(verdicts(granted.candidates)).toEqual([
      ['early', 'wins'],
      ['late', 'shadowed_by_earlier_grant'],
    ]);
    expect(granted.explanation).toBe(
      '"files" is the PRIVATE server early for user:ana, group:dev: Granted to group:dev at ' +
        "revision 3, none of the name earlier; none is shared or the user's own.",
    );
    expect(granted.candidates[1]?.explanation).toBe(
      'Granted to user:ana at revision 7; early was granted earlier.',
    );
  });

  it('says that of grants at once the smaller id comes first', () => {
    const [a, b] = ['a', 'b'].map((id) => server({ id, owner: id }, grantsAt(4, 'user:ana')));
    const { candidates } = explained(ana, [b!, a!]);
    expect(verdicts(candidates)).toEqual([
      ['a', 'wins'],
      ['b', 'shadowed_by_earlier_grant'],
    ]);
    expect(candidates[1]?.explanation).toMatch(/a was granted at the same revision, .* smaller id/);
  });

  it('tells by which subjects a server is seen', () => {
    const grants = [...grantsAt(5, 'group:dev', 'group:ops'), ...grantsAt(9, 'user:ana')];
    const own = server({ id: 'own', owner: 'ana' }, grants);
    expect(explained(ana, [own]).candidates[0]?.sights).toEqual([
      { subject: 'user:ana', owner: true, revision: 0 },
      { subject: 'group:dev', owner: false, revision: 5 },
      { subject: 'user:ana', owner: false, revision: 9 },
    ]);
    const [seenByOther] = explained(userView('zoe', ['ops']), [own]).candidates;
    expect(seenByOther?.sights).toEqual([{ subject: 'group:ops', owner: false, revision: 5 }]);
  });

  it('tells what is not seen: not for the app, not granted', () => {
    const user = server({ id: 'user', tier: 'USER' });
    const own = server({ id: 'own', owner: 'bob' });
    const app = explained(APP_VIEW, [user, own]);
    expect(app.winner).toBeUndefined();
    expect(app.explanation).toBe(
      '"files" is not a server for the app view: the servers that have it are outside the view.',
    );
    expect(verdicts(app.candidates)).toEqual([
      ['user', 'not_for_app'],
      ['own', 'not_for_app'],
    ]);
    expect(verdicts(explained(ana, [own]).candidates)).toEqual([['own', 'not_granted']]);
    expect(explained(ana, []).explanation).toMatch(/none has it\.$/);
  });

  it('tells that a disabled one takes the name all the same', () => {
    const off = server({ id: 'off', tier: 'APP', spec: { enabled: false } });
    const [first] = explained(APP_VIEW, [off]).candidates;
    expect(first).toMatchObject({ verdict: 'wins', disabled: true });
    expect(first?.explanation).toContain('disabled');
    const losing = explained(ana, [
      server({ id: 'on', tier: 'APP' }),
      server({ id: 'own', owner: 'ana', spec: { enabled: false } }),
    ]);
    expect(losing.candidates[1]).toMatchObject({ disabled: true });
  });

  it('lets nothing win in the inventory, and lists what was deleted last', () => {
    const one = server({ id: 'one', tier: 'APP' });
    const gone: Tombstone = {
      id: 'gone',
      revision: 9,
      name: 'files',
      tier: 'PRIVATE',
      owner: 'bob',
    };
    const { winner, candidates, explanation } = explained(INVENTORY_VIEW, [one], [gone]);
    expect(winner).toBeUndefined();
    expect(explanation).toContain('resolves no names');
    expect(verdicts(candidates)).toEqual([
      ['one', 'untold'],
      ['gone', 'deleted'],
    ]);
    expect(candidates[1]).toMatchObject({ tier: 'PRIVATE', owner: 'bob', revision: 9 });
    expect(candidates[1]?.explanation).toBe('It was deleted at revision 9.');
  });
});
