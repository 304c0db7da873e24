import { createTokenBucket, type Rate } from '../domain/token-bucket.js';

/**
 * What a server may say that nobody asked it for: at once, and per second after that. A
 * message or line costs one, and one more for each 4 KiB.
 */
const RATE: Rate = { burst: 5000, perSecond: 500 };
const BYTES = 4096;

/** Waits shorter than this are put off, in milliseconds: a timer costs more than they do. */
const LEAST_WAIT_MS = 20;

/** Milliseconds that a server may be held back, without a quiet moment, before it is too noisy. */
const MAX_HELD_BACK_MS = 3000;

/** Limits the rate of what comes without being asked for. */
export interface NoiseLimit {
  /** Takes note of `bytes` of noise. Returns milliseconds to wait before more is read. */
  take(bytes: number): number;
  /** Whether it went on for too long. Begins anew when there was quiet, or with `forgive`. */
  readonly isTooNoisy: boolean;
  /** Something useful came. */
  forgive(): void;
}

/** Makes a limit; `now` returns monotonic milliseconds. */
export function createNoiseLimit(now: () => number = () => performance.now()): NoiseLimit {
  const bucket = createTokenBucket(RATE);
  let heldBackMs = 0;
  return {
    take(bytes) {
      const at = now();
      if (bucket.level(at) === RATE.burst) heldBackMs = 0;
      const waitMs = (-bucket.take(at, 1 + bytes / BYTES) * 1000) / RATE.perSecond;
      if (waitMs < LEAST_WAIT_MS) return 0;
      heldBackMs += waitMs;
      return waitMs;
    },
    get isTooNoisy() {
      return heldBackMs > MAX_HELD_BACK_MS;
    },
    forgive() {
      heldBackMs = 0;
    },
  };
}
