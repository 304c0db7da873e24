import { describe, expect, it } from 'vitest';
import { createCallTurns } from '../../../../src/server/grpc/call-turns.js';

/** Calls of 6 ms each, on a clock that only they move; a turn has time for two of them. */
function start() {
  let nowMs = 0;
  const served: string[] = [];
  const turns = createCallTurns(() => nowMs);
  const call = (peer: string, name: string, state = { cancelled: false }): void => {
    const waiting = {
      get cancelled() {
        return state.cancelled;
      },
      getPeer: () => peer,
    };
    turns.run(waiting, () => {
      nowMs += 6;
      served.push(name);
    });
  };
  return { served, call };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('calls that arrive together', () => {
  it('are served at once as long as the turn has time', () => {
    const { served, call } = start();
    for (const name of ['a1', 'a2', 'a3']) call('a', name);
    expect(served).toEqual(['a1', 'a2']);
  });

  it('wait for later turns, in which connections take turns [C7]', async () => {
    const { served, call } = start();
    for (const name of ['a1', 'a2', 'a3', 'a4', 'a5', 'a6']) call('a', name);
    call('b', 'b1');
    await turn();
    expect(served.splice(0)).toEqual(['a1', 'a2', 'a3', 'b1']);
    call('c', 'c1');
    await turn();
    expect(served.splice(0)).toEqual(['a4', 'c1']);
    await turn();
    expect(served).toEqual(['a5', 'a6']);
    await turn();
    call('a', 'a7');
    expect(served.at(-1)).toBe('a7');
  });

  it('are dropped if they are cancelled while they wait', async () => {
    const { served, call } = start();
    const given = { cancelled: false };
    for (const name of ['a1', 'a2']) call('a', name);
    call('a', 'a3', given);
    call('a', 'a4');
    given.cancelled = true;
    await turn();
    expect(served).toEqual(['a1', 'a2', 'a4']);
  });
});
