import { describe, expect, it } from 'vitest';
import { sightAfterLoad } from '../../../../../src/domain/commands/load/sight.js';
import { audienceOf, type StoredServer, grantTo } from '../../../../../src/domain/server.js';
import type { Subject } from '../../../../../src/domain/view.js';
import { applyChange } from '../../../../../src/domain/commit.js';
import { rowOf, serverOfRow } from '../../../../support/loads/loads.js';
import { grantsAt } from '../../../../support/storage/builders.js';

const USERS = ['ana', 'bob', 'zoe'] as const;
const SUBJECTS: readonly Subject[] = [...USERS.map((user): Subject => `user:${user}`), 'group:dev'];

const ownedBy = (owner: string, ...granted: readonly Subject[]): StoredServer =>
  serverOfRow(rowOf('r', { owner }), { grants: grantsAt(3, ...granted) });

/** All ways in which a server can be granted to some of the subjects. */
const ALL_GRANTS = SUBJECTS.reduce<readonly (readonly Subject[])[]>(
  (lists, subject) => lists.flatMap((list) => [list, [...list, subject]]),
  [[]],
);

describe('sightAfterLoad', () => {
  it('gives the user of the load sight: as the owner, or by a grant of the commit [P24]', () => {
    expect(sightAfterLoad(undefined, { user: 'ana', owner: 'ana', revision: 9 })).toBeUndefined();
    const granted = grantsAt(9, 'user:ana');
    for (const server of [undefined, ownedBy('bob'), ownedBy('bob', 'group:dev')]) {
      const access = sightAfterLoad(server, { user: 'ana', owner: 'bob', revision: 9 });
      expect(access).toEqual({ granted, revoked: [] });
    }
  });

  it('changes nothing where the user sees it already, and the owner stays', () => {
    const seen = ownedBy('bob', 'group:dev', 'user:ana', 'user:zoe');
    expect(sightAfterLoad(seen, { user: 'ana', owner: 'bob', revision: 9 })).toBeUndefined();
    const own = ownedBy('ana', 'user:zoe');
    expect(sightAfterLoad(own, { user: 'ana', owner: 'ana', revision: 9 })).toBeUndefined();
  });

  it('leaves a former owner sight by a grant, and takes the grant of an owner [P24]', () => {
    const server = ownedBy('bob', 'user:ana', 'user:zoe');
    expect(sightAfterLoad(server, { user: 'ana', owner: 'zoe', revision: 9 })).toEqual({
      granted: grantsAt(9, 'user:bob'),
      revoked: grantsAt(3, 'user:zoe'),
    });
    expect(sightAfterLoad(server, { user: 'ana', owner: 'ana', revision: 9 })).toEqual({
      granted: grantsAt(9, 'user:bob'),
      revoked: grantsAt(3, 'user:ana'),
    });
    expect(sightAfterLoad(ownedBy('ana'), { user: 'ana', owner: 'bob', revision: 9 })).toEqual({
      granted: grantsAt(9, 'user:ana'),
      revoked: [],
    });
  });

  it('whoever owned it and owns it: ends nobody’s sight, gives it to user and owner [P24]', () => {
    for (const former of USERS)
      for (const owner of USERS)
        for (const user of USERS)
          for (const granted of ALL_GRANTS) {
            const server = ownedBy(former, ...granted);
            const access = sightAfterLoad(server, { user, owner, revision: 9 });
            const next = { ...server.record, owner };
            const change = { before: server.record, after: next, ...(access && { access }) };
            const after = applyChange(server, change)!;
            const due = new Set<Subject>([...audienceOf(server), `user:${user}`, `user:${owner}`]);
            expect(new Set(audienceOf(after))).toEqual(due);
            // An owner needs no grant; who stays keeps the revision (rule 4).
            expect(grantTo(after, `user:${owner}`)).toBeUndefined();
            for (const grant of server.grants) {
              if (grant.subject === `user:${owner}`) continue;
              expect(after.grants).toContainEqual(grant);
            }
          }
  });
});
