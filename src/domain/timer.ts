/** The longest time of a timer, in milliseconds: with a longer one Node fires it at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** `ms`, or as much of it as a timer can wait. */
export function timerMs(ms: number): number {
  return Math.min(ms, MAX_TIMER_MS);
}
