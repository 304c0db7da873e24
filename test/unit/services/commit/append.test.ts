import { describe, expect, it } from 'vitest';
import type { Position } from '../../../../src/domain/commit.js';
import { SwitchboardError } from '../../../../src/domain/errors.js';
import { appendCommits } from '../../../../src/services/commit/append.js';
import { openMemoryCatalog } from '../../../../src/storage/catalog/memory/open-memory-catalog.js';
import type { CommitLog } from '../../../../src/storage/log.js';
import { creation, placeAll } from '../../../support/storage/builders.js';
import { withMethods } from '../../../support/storage/reads.js';

const TENANT = 'acme';
const IN_TIME = { deadline: Infinity };

/** What appending one commit to a log comes to: its kind, and the reason of its error. */
async function appendOne(log: CommitLog, after: Position, call = IN_TIME): Promise<string> {
  const commits = placeAll(after, [creation({ id: 'a' })]);
  const result = await appendCommits({ log, tenant: TENANT }, { after, commits }, call);
  return 'error' in result ? `${result.kind} ${result.error.reason}` : result.kind;
}

/** An empty log of which `append` does as it is told. */
async function logThat(append: CommitLog['append']): Promise<CommitLog> {
  return withMethods(await openMemoryCatalog(), { append }).log;
}

describe('an append', () => {
  it('is done, or beaten by whoever was first [P15]', async () => {
    const { log } = await openMemoryCatalog();
    const after = await log.head(TENANT);
    expect(await appendOne(log, after)).toBe('appended');
    expect(await appendOne(log, after)).toBe('beaten');
  });

  it.each([
    ['COMMIT_TOO_LARGE', 'too_large COMMIT_TOO_LARGE'],
    ['NOT_WRITTEN', 'failed NOT_WRITTEN'],
    ['OUTCOME_UNKNOWN', 'failed OUTCOME_UNKNOWN'],
    ['DEADLINE_EXCEEDED', 'failed DEADLINE_EXCEEDED'],
    // It may have been reached before it was lost.
    ['CATALOG_UNAVAILABLE', 'failed OUTCOME_UNKNOWN'],
  ] as const)('that fails with %s is told as "%s" [P12]', async (reason, told) => {
    const log = await logThat(() => Promise.reject(new SwitchboardError(reason)));
    expect(await appendOne(log, await log.head(TENANT))).toBe(told);
  });

  it('that fails without a reason may be written [P12]', async () => {
    const log = await logThat(() => Promise.reject(new Error('the socket is in an odd state')));
    expect(await appendOne(log, await log.head(TENANT))).toBe('failed OUTCOME_UNKNOWN');
  });

  it('that hangs past its deadline may be written, and says so [P12]', async () => {
    const log = await logThat(() => new Promise(() => undefined));
    const after = await log.head(TENANT);
    const late = { deadline: performance.now() };
    expect(await appendOne(log, after, late)).toBe('failed OUTCOME_UNKNOWN');
  });
});
