import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  chainFingerprint,
  changesJson,
  commitJson,
  placeCommit,
  type Change,
} from '../../../src/domain/commit.js';
import { digestText } from '../../../src/domain/digest.js';
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

describe('the JSON of commits', () => {
  it('of changes is what JSON.stringify gives', () => {
    fc.assert(
      fc.property(arbitraryChanges, (changes) => {
        expect(changesJson(changes)).toBe(JSON.stringify(changes));
      }),
    );
  });

  it('of a commit is read as the commit that it was, with the fingerprint that it had', () => {
    fc.assert(
      fc.property(arbitraryChanges, fc.boolean(), (changes, hasLoads) => {
        const loads = hasLoads ? { loads: [loadChange(undefined, loadOf('ana'))] } : {};
        const request = { principal: 'p', requestId: 'r', bodyDigest: 'd' };
        const draft = { ...draftOf({}), request, changes, ...loads };
        const commit = placeCommit(draft, PLACE);
        const again = JSON.parse(commitJson(commit)) as typeof commit;
        expect(again).toEqual(JSON.parse(JSON.stringify(commit)));
        expect(chainFingerprint(again, PLACE)).toBe(commit.fingerprint);
      }),
    );
  });

  it('leaves the digest of a commit what it always was', () => {
    fc.assert(
      fc.property(arbitraryChanges, fc.boolean(), (changes, hasLoads) => {
        const loads = [loadChange(undefined, loadOf('ana'))];
        const draft = { ...draftOf({}), changes, ...(hasLoads ? { loads } : {}) };
        const { cause, actor, reason, time } = draft;
        const body = [cause, actor, reason, time, null, changes, ...(hasLoads ? [loads] : [])];
        const { epoch, fingerprint, revision } = PLACE;
        expect(chainFingerprint(draft, PLACE)).toBe(
          digestText('commit', epoch, fingerprint, String(revision), JSON.stringify(body)),
        );
      }),
    );
  });
});
