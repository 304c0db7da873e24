import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  changeJson,
  decodeCommit,
  follows,
  placeCommit,
  type Change,
} from '../../../src/domain/commit.js';
import { arbitraryServer } from '../../support/history/arbitraries.js';
import { loadChange, loadOf } from '../../support/loads/loads.js';
import { draftOf } from '../../support/storage/builders.js';

const PLACE = { epoch: 'e', revision: 7, fingerprint: 'f' };

/** Changes of all kinds, with their keys in any order, also with keys that say nothing. */
const arbitraryChange: fc.Arbitrary<Change> = fc
  .tuple(
    fc.option(arbitraryServer('a'), { nil: undefined }),
    fc.option(arbitraryServer('a'), { nil: undefined }),
    fc.boolean(),
  )
  .chain(([before, after, hasAccess]) => {
    const access = { granted: after?.grants ?? [], revoked: before?.grants ?? [] };
    const entries: readonly (readonly [string, unknown])[] = [
      ['before', before?.record],
      ['after', after?.record],
      ...(hasAccess ? [['access', access] as const] : []),
    ];
    return fc
      .shuffledSubarray([...entries], { minLength: entries.length })
      .map((shuffled) => Object.fromEntries(shuffled) as Change);
  });
const arbitraryChanges = fc.array(arbitraryChange, { maxLength: 3 });

describe('the body of a commit', () => {
  it('has changes as JSON.stringify gives them', () => {
    fc.assert(
      fc.property(arbitraryChange, (change) => {
        expect(changeJson(change)).toBe(JSON.stringify(change));
      }),
    );
  });

  it('is read as the commit that it was, and continues the same chain', () => {
    fc.assert(
      fc.property(arbitraryChanges, fc.boolean(), (changes, hasLoads) => {
        const loads = hasLoads ? { loads: [loadChange(undefined, loadOf('ana'))] } : {};
        const request = { principal: 'p', requestId: 'r', bodyDigest: 'd' };
        const commit = placeCommit({ ...draftOf({}), request, changes, ...loads }, PLACE);
        const { revision, fingerprint, body } = commit;
        const again = decodeCommit({ revision, fingerprint, body });
        expect(again).toEqual(JSON.parse(JSON.stringify(commit)));
        expect(follows(PLACE, again)).toBe(true);
      }),
    );
  });

  it('holds neither the place nor the body of a commit that is placed anew', () => {
    const commit = placeCommit(draftOf({}), PLACE);
    expect(placeCommit(commit, PLACE)).toEqual(commit);
  });
});
