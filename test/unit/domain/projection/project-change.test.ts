import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyChange, changedId } from '../../../../src/domain/commit.js';
import {
  indexEntriesOf,
  projectChange,
  type IndexEntry,
} from '../../../../src/domain/projection/project-change.js';
import type { Grant, StoredServer } from '../../../../src/domain/server.js';
import type { Subject } from '../../../../src/domain/view.js';
import { changeOf, grantsAt, recordOf } from '../../../support/storage/builders.js';
import { changeOfStep, historySteps } from '../../../support/storage/history.js';

describe('projectChange', () => {
  it('turns the entries and grants before into those after, for any history', () => {
    fc.assert(
      fc.property(historySteps(30), (steps) => {
        const servers = new Map<string, StoredServer>();
        for (const [at, step] of steps.entries()) {
          const change = changeOfStep(servers, step, at + 1);
          if (change === undefined) continue;
          const before = servers.get(changedId(change));
          const after = applyChange(before, change);
          const projected = projectChange(change, () => before?.grants ?? []);
          expect(projected.record).toEqual(after?.record);

          const entries = setOf(before);
          for (const entry of projected.removed) expect(entries.delete(keyOf(entry))).toBe(true);
          for (const entry of projected.added) entries.add(keyOf(entry));
          expect(entries).toEqual(setOf(after));

          const grants = new Map(before?.grants.map((grant) => [grant.subject, grant]));
          for (const subject of projected.revoked) grants.delete(subject);
          for (const grant of projected.granted) grants.set(grant.subject, grant);
          expect(sorted([...grants.values()])).toEqual(sorted(after?.grants ?? []));

          if (after === undefined) servers.delete(changedId(change));
          else servers.set(changedId(change), after);
        }
      }),
    );
  });

  it('names what is found by whom', () => {
    const record = recordOf({ id: 'a', name: 'n', owner: 'ana' });
    const entries = indexEntriesOf({ record, grants: grantsAt(1, 'user:ana', 'group:ops') });
    expect(entries.map(keyOf)).toEqual([
      'name n',
      'owner user:ana',
      'grant user:ana',
      'grant group:ops',
    ]);
    const shared = recordOf({ id: 'a', name: 'n', tier: 'APP' });
    const sharedEntries = indexEntriesOf({ record: shared, grants: grantsAt(1, 'group:ops') });
    expect(sharedEntries.map(keyOf)).toEqual(['name n', 'shared ']);
  });

  it('asks for all grants only where all of them matter', () => {
    const record = recordOf({ id: 'a', owner: 'ana' });
    const { owner: _owner, ...rest } = record;
    const asks = (...sides: Parameters<typeof changeOf>): boolean => {
      let asked = false;
      projectChange(changeOf(...sides), () => {
        asked = true;
        return [];
      });
      return asked;
    };
    const granted = grantsAt(2, 'group:ops');
    expect(asks(undefined, record)).toBe(false);
    expect(asks(record, { ...record, name: 'other' })).toBe(false);
    expect(asks(record, record, { granted })).toBe(false);
    expect(asks(record, undefined)).toBe(true);
    expect(asks(record, { ...rest, tier: 'USER' })).toBe(true);
  });

  it('a change beside 10,000 grants touches what it names', () => {
    const subjects = Array.from({ length: 10_000 }, (_, at): Subject => `user:u${String(at)}`);
    const grants = grantsAt(1, ...subjects);
    const record = recordOf({ id: 'a', name: 'n', owner: 'ana' });
    const projected = projectChange(changeOf(record, { ...record, name: 'm' }), () => grants);
    expect([...projected.removed, ...projected.added].map(keyOf)).toEqual(['name n', 'name m']);
    expect([...projected.revoked, ...projected.granted]).toEqual([]);
  });
});

function setOf(server: StoredServer | undefined): Set<string> {
  return new Set(server === undefined ? [] : indexEntriesOf(server).map(keyOf));
}

function keyOf(entry: IndexEntry): string {
  return `${entry.kind} ${entry.value}`;
}

function sorted(grants: readonly Grant[]): readonly Grant[] {
  return [...grants].sort((a, b) => (a.subject < b.subject ? -1 : 1));
}
