import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  audienceOf,
  grantTo,
  hasSeerAmong,
  seersAmong,
  type StoredServer,
} from '../../../src/domain/server.js';
import type { Subject } from '../../../src/domain/view.js';
import { arbitraryServer, SUBJECTS } from '../../support/history/arbitraries.js';
import { grantsAt, recordOf } from '../../support/storage/builders.js';

const arbitrarySubjects = fc.uniqueArray(fc.constantFrom(...SUBJECTS, 'user:stranger' as const));

describe('who sees a server', () => {
  it('finds the grant of a subject as looking at all of them does', () => {
    fc.assert(
      fc.property(arbitraryServer('id'), arbitrarySubjects, (server, subjects) => {
        for (const subject of subjects) {
          const plain = server.grants.find((grant) => grant.subject === subject);
          expect(grantTo(server, subject)).toBe(plain);
        }
      }),
    );
  });

  it('chooses from a set or a map those by which it is seen, each once', () => {
    fc.assert(
      fc.property(arbitraryServer('id'), arbitrarySubjects, (server, subjects) => {
        const seers = new Set(audienceOf(server));
        const plain = subjects.filter((subject) => seers.has(subject)).sort();
        const map = new Map(subjects.map((subject) => [subject, 1]));
        expect([...seersAmong(server, new Set(subjects))].sort()).toEqual(plain);
        expect([...seersAmong(server, map)].sort()).toEqual(plain);
        expect(hasSeerAmong(server, map)).toBe(plain.length > 0);
      }),
    );
  });

  it('looks at few of many grants when few subjects are asked for', () => {
    const many = Array.from({ length: 10_000 }, (_, index): Subject => `user:${String(index)}`);
    let looked = 0;
    const grants = new Proxy(grantsAt(1, ...many.toSorted()), {
      get: (target, key, receiver): unknown => {
        looked += 1;
        return Reflect.get(target, key, receiver);
      },
    });
    const server: StoredServer = { record: recordOf({ id: 'id', owner: 'giver' }), grants };
    const asked = new Set<Subject>(['user:7', 'user:nobody', 'user:giver']);
    expect([...seersAmong(server, asked)]).toEqual(['user:giver', 'user:7']);
    expect(looked).toBeLessThan(100);
  });
});
