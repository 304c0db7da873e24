import type { Measured } from '../attack.js';

/** How often the monitor looks. Milliseconds. */
const EVERY_MS = 5;

let longestMs = 0;
let lastAt: number | undefined;

/** Measures how long the event loop of this process is busy with one turn, from now on. */
export function watchTurns(): void {
  lastAt = performance.now();
  setInterval(() => {
    const now = performance.now();
    longestMs = Math.max(longestMs, now - (lastAt ?? now) - EVERY_MS);
    lastAt = now;
  }, EVERY_MS).unref();
}

/** What was measured since the last call. */
export function takeMeasured(): Measured {
  const now = performance.now();
  const longestTurnMs = Math.max(longestMs, now - (lastAt ?? now) - EVERY_MS);
  longestMs = 0;
  lastAt = now;
  return { longestTurnMs, peakMiB: process.resourceUsage().maxRSS / 1_024 };
}
