import fc from 'fast-check';
import type { Grant, StoredServer } from '../../../src/domain/server.js';
import type { Tier } from '../../../src/domain/tier.js';
import type { ReaderView, Subject } from '../../../src/domain/view.js';
import { APP_VIEW, userView } from '../../../src/domain/view.js';
import { recordOf } from '../storage/builders.js';

/** Few of each, so that random servers meet: same names, same owners, same grants. */
export const NAMES = ['files', 'mail', 'search'] as const;
export const USERS = ['ana', 'bob', 'zoe'] as const;
export const GROUPS = ['dev', 'ops'] as const;
export const SUBJECTS: readonly Subject[] = [
  ...USERS.map((user): Subject => `user:${user}`),
  ...GROUPS.map((group): Subject => `group:${group}`),
];

/** Views of the app and of all users, with all combinations of groups. */
export const VIEWS: readonly ReaderView[] = [
  APP_VIEW,
  ...[...USERS, 'stranger'].flatMap((user) =>
    [[], ['dev'], ['ops'], ['dev', 'ops']].map((groups) => userView(user, groups)),
  ),
];

/** A list of grants, sorted, one per subject. */
export const arbitraryGrants: fc.Arbitrary<readonly Grant[]> = fc
  .uniqueArray(
    fc.record({ subject: fc.constantFrom(...SUBJECTS), revision: fc.integer({ min: 1, max: 4 }) }),
    { selector: ({ subject }) => subject, maxLength: SUBJECTS.length },
  )
  .map((grants) => grants.toSorted((a, b) => (a.subject < b.subject ? -1 : 1)));

interface Parts {
  readonly name: string;
  readonly tier: Tier;
  readonly owner: string;
  readonly grants: readonly Grant[];
  readonly enabled: boolean;
  readonly revision: number;
}

/** A server of any tier with the given id. */
export function arbitraryServer(id: string): fc.Arbitrary<StoredServer> {
  return fc
    .record({
      name: fc.constantFrom(...NAMES),
      tier: fc.constantFrom<Tier>('APP', 'USER', 'PRIVATE', 'PRIVATE'),
      owner: fc.constantFrom(...USERS),
      grants: arbitraryGrants,
      enabled: fc.boolean(),
      revision: fc.integer({ min: 1, max: 100 }),
    })
    .map((parts) => storedOf(id, parts));
}

function storedOf(id: string, parts: Parts): StoredServer {
  const { name, tier, owner, grants, enabled, revision } = parts;
  const isPrivate = tier === 'PRIVATE';
  const record = recordOf({
    id,
    name,
    tier,
    revision,
    spec: { enabled },
    ...(isPrivate ? { owner } : {}),
  });
  return { record, grants: isPrivate ? grants : [] };
}

/**
 * A state that the log could have: shared names are unique, PRIVATE names are per owner,
 * ids are unique.
 */
export const arbitraryState: fc.Arbitrary<readonly StoredServer[]> = fc
  .array(fc.integer({ min: 0, max: 30 }), { maxLength: 14 })
  .chain((ids) => fc.tuple(...[...new Set(ids)].map((id) => arbitraryServer(`id-${String(id)}`))))
  .map((servers) => {
    const taken = new Set<string>();
    return servers.filter(({ record }) => {
      const key = `${record.owner ?? ''}/${record.name}`;
      return !taken.has(key) && taken.add(key);
    });
  });
