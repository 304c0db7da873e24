import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from '../../bench/lab/serve.js';

/** How long a turn of the bare loop takes on a machine that does nothing else. Milliseconds. */
const TURN_MS = 10;
const PAUSE_MS = 90;

/** Steps of work in a turn; found out before anything is attacked. */
let steps = 0;
let longestMs = 0;
/** Takes what the work finds, so that no compiler can leave it out. */
let sink = 0;

function work(count: number): number {
  const begin = performance.now();
  for (let step = 0; step < count; step += 1) sink = (Math.imul(sink, 31) + step) | 0;
  return performance.now() - begin;
}

const methods = {
  /** Finds out how much work takes ten milliseconds, and does so much ten times a second. */
  async begin(): Promise<void> {
    work(1_000_000);
    const perMs = 1_000_000 / Math.min(...Array.from({ length: 20 }, () => work(1_000_000)));
    steps = Math.round(perMs * TURN_MS);
    void turn();
    await sleep(PAUSE_MS);
  },
  /** The longest turn since the last call. Milliseconds. */
  take(): number {
    const taken = longestMs;
    longestMs = 0;
    return taken;
  },
  sink: () => sink,
};

async function turn(): Promise<never> {
  for (;;) {
    longestMs = Math.max(longestMs, work(steps));
    await sleep(PAUSE_MS);
  }
}

/** A loop beside the process under attack that shows what the machine does by itself. */
export type Yardstick = typeof methods;

serve(methods);
