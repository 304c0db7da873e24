import { decodeCommit, placeCommit, type StoredCommit } from '../../../src/domain/commit.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import { creation } from './builders.js';
import { withMethods } from './reads.js';

/** What is wrong with the commit of a revision. */
export type Damage = 'other bytes' | 'of another history' | 'missing' | 'cut off';

export const DAMAGES: readonly Damage[] = [
  'other bytes',
  'of another history',
  'missing',
  'cut off',
];

/** The server that damaged commits speak of, which never was. It would be seen by everyone. */
const FORGED = 'forged';

/** A catalog whose log of one tenant can be damaged at a revision, and repaired. */
export function damageable(
  inner: Catalog,
  tenant: string,
): {
  readonly catalog: Catalog;
  damage(revision: number, how: Damage): void;
  repair(): void;
} {
  let damaged: { readonly revision: number; readonly how: Damage } | undefined;
  return {
    damage: (revision, how) => {
      damaged = { revision, how };
    },
    repair: () => {
      damaged = undefined;
    },
    catalog: withMethods(inner, {
      read: async (asked, ...rest) => {
        const slice = await inner.log.read(asked, ...rest);
        if (damaged === undefined || asked !== tenant) return slice;
        const { revision, how } = damaged;
        const { epoch } = slice.head;
        return { ...slice, commits: spoilt(slice.commits, { epoch, revision, how }) };
      },
    }),
  };
}

function spoilt(
  commits: readonly StoredCommit[],
  { epoch, revision, how }: { readonly epoch: string; readonly revision: number; how: Damage },
): readonly StoredCommit[] {
  const forged = creation({ id: FORGED, name: FORGED, tier: 'APP', revision });
  const elsewhere = placeCommit(forged, { epoch, revision: revision - 1, fingerprint: 'other' });
  switch (how) {
    case 'other bytes':
      return commits.map((commit) => {
        const { fingerprint } = commit;
        if (commit.revision !== revision) return commit;
        return decodeCommit({ revision, fingerprint, body: elsewhere.body });
      });
    case 'of another history':
      return commits.map((commit) => (commit.revision === revision ? elsewhere : commit));
    case 'missing':
      return commits.filter((commit) => commit.revision !== revision);
    case 'cut off':
      return commits.filter((commit) => commit.revision < revision);
  }
}
