import { setTimeout as sleep } from 'node:timers/promises';
import type { OthersResult } from '../attack.js';

/** What a person waits for. Milliseconds. */
export const TIMEOUT_MS = 2_000;
const EVERY_MS = 20;
/** More say nothing new. */
const MAX_FAILURES = 20;

/** Calls that go on until somebody ends them. */
export interface RepeatedCalls {
  /** Resolves once the call under way has ended. */
  end(): Promise<OthersResult>;
}

/** Makes one call after the other. `call` resolves to why it failed, or to undefined. */
export function repeatCalls(call: () => Promise<string | undefined>): RepeatedCalls {
  const state = { isOver: false };
  const running = callUntilOver(call, state);
  return {
    end() {
      state.isOver = true;
      return running;
    },
  };
}

async function callUntilOver(
  call: () => Promise<string | undefined>,
  state: { readonly isOver: boolean },
): Promise<OthersResult> {
  const failures: string[] = [];
  let calls = 0;
  while (!state.isOver) {
    const failure = await call();
    calls += 1;
    if (failure !== undefined && failures.length < MAX_FAILURES) failures.push(failure);
    await sleep(EVERY_MS);
  }
  return { calls, failures };
}
