import { describe, expect, it } from 'vitest';
import { loadText } from '../../../src/cli/load-text.js';
import { SwitchboardError } from '../../../src/domain/errors.js';
import type { LoadStatus } from '../../../src/domain/load-record.js';

const AT = new Date(2026, 10, 21, 9, 5, 7).getTime();

const textOf = (load: Partial<LoadStatus>): string =>
  loadText({
    ...{ user: 'ana', source: 'app-db', state: 'loaded', loading: false, revision: 1 },
    ...{ serverCount: 0, loadTime: 0, refused: [], refusedCount: 0 },
    ...{ failure: undefined, nextAttemptTime: undefined },
    ...load,
  });

describe('the text about a load', () => {
  it('tells what was found, what was left out, and why it failed since', () => {
    const row = { rowId: 'r1', name: 'notes', reason: 'ROW_BROKEN', message: 'no\nkey' } as const;
    const failure = new SwitchboardError('SOURCE_UNAVAILABLE', 'no route');
    const told = textOf({
      ...{ state: 'loaded', loadTime: AT, serverCount: 2, loading: true },
      ...{ refused: [row], refusedCount: 3 },
      ...{ failure, nextAttemptTime: AT },
    });
    expect(told).toBe(`User:      ana
Source:    app-db
State:     loaded; loading
Loaded:    2026-11-21 09:05:07
Servers:   2
Left out:  3 rows
Failure:   SOURCE_UNAVAILABLE: no route
Next try:  about 2026-11-21 09:05:07, or now with \`switchboard load ana --force\`

ROW  NAME   REASON
r1   notes  ROW_BROKEN: no key
… and 2 more rows
`);
  });

  it.each<[Partial<LoadStatus>, string]>([
    [{ state: 'cold' }, 'never loaded'],
    [{ state: 'invalidated' }, 'invalidated; the next read'],
    [{ state: 'purged' }, 'until `switchboard load ana --force`'],
    [{ state: 'loaded', source: '' }, 'needs no load'],
  ])('of %j says %s', (load, said) => {
    expect(textOf(load)).toContain(said);
  });
});
