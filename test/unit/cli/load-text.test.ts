import { describe, expect, it } from 'vitest';
import {
  PrivateLoad,
  PrivateLoad_State as State,
} from '../../../generated/switchboard/v1/private_load.js';
import { loadText } from '../../../src/cli/load-text.js';
import { SwitchboardError } from '../../../src/domain/errors.js';
import { toRpcStatus } from '../../../src/wire/status.js';

const AT = new Date(2026, 10, 21, 9, 5, 7);

const textOf = (load: Parameters<typeof PrivateLoad.fromPartial>[0]): string =>
  loadText(PrivateLoad.fromPartial({ user: 'ana', source: 'app-db', ...load }));

describe('the text about a load', () => {
  it('tells what was found, what was left out, and why it failed since', () => {
    const error = toRpcStatus(new SwitchboardError('ROW_BROKEN', 'no\nkey'));
    const failure = toRpcStatus(new SwitchboardError('SOURCE_UNAVAILABLE', 'no route'));
    const told = textOf({
      ...{ state: State.STATE_LOADED, loadTime: AT, serverCount: 2, loading: true },
      ...{ refused: [{ rowId: 'r1', name: 'notes', error }], refusedCount: 3 },
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

  it.each([
    [{ state: State.STATE_COLD }, 'never loaded'],
    [{ state: State.STATE_INVALIDATED }, 'invalidated; the next read'],
    [{ state: State.STATE_PURGED }, 'until `switchboard load ana --force`'],
    [{ state: State.STATE_LOADED, source: '' }, 'needs no load'],
    [{ state: State.STATE_UNSPECIFIED }, 'unknown (0)'],
  ])('of %j says %s', (load, said) => {
    expect(textOf(load)).toContain(said);
  });
});
