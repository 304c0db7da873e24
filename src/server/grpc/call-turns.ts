import { performance } from 'node:perf_hooks';

/** What is known of a call before it is served. */
export interface WaitingCall {
  readonly cancelled: boolean;
  getPeer(): string;
}

/** Spreads the work of calls over turns of the event loop. */
export interface CallTurns {
  /** Does `work` at once, or in a later turn if this one has lasted too long. It must not throw. */
  run(call: WaitingCall, work: () => void): void;
}

/** So much work is done in a turn, and the call that exceeds it. Milliseconds. */
const TURN_MS = 10;

/**
 * Hundreds of calls can arrive in one piece. Those for which a turn has no time wait for later
 * turns, which serve the connections in rotation: a connection with many calls delays its own.
 */
export function createCallTurns(now: () => number = () => performance.now()): CallTurns {
  const waiting = new Map<string, { call: WaitingCall; work: () => void }[]>();
  let spentMs = 0;
  let nextTurn: NodeJS.Immediate | undefined;

  function timed(work: () => void): void {
    const begun = now();
    work();
    spentMs += now() - begun;
  }

  function begin(): void {
    nextTurn = undefined;
    spentMs = 0;
    for (const [peer, calls] of waiting) {
      if (spentMs >= TURN_MS) break;
      const first = calls.shift();
      // To the end of the line, where this loop finds it again.
      waiting.delete(peer);
      if (calls.length > 0) waiting.set(peer, calls);
      if (first?.call.cancelled === false) timed(first.work);
    }
    if (spentMs > 0) nextTurn = setImmediate(begin);
  }

  return {
    run(call, work) {
      nextTurn ??= setImmediate(begin);
      if (waiting.size === 0 && spentMs < TURN_MS) {
        timed(work);
        return;
      }
      const peer = call.getPeer();
      const calls = waiting.get(peer);
      if (calls === undefined) waiting.set(peer, [{ call, work }]);
      else calls.push({ call, work });
    },
  };
}
