/** What the heartbeat interval is taken for until the server has told it. Milliseconds. */
const ASSUMED_HEARTBEAT_MS = 10_000;
/** Added to two heartbeats: a late timer or a slow network is no silence. Milliseconds. */
const MARGIN_MS = 1_000;

/**
 * Tells when a stream has been silent for longer than two heartbeats and a second (W11).
 * Counts on a monotonic clock, and costs nothing per message. It keeps no process alive.
 */
export class Watchdog {
  private readonly onSilence: () => void;
  private silenceMs = 2 * ASSUMED_HEARTBEAT_MS + MARGIN_MS;
  private seenAt = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(onSilence: () => void) {
    this.onSilence = onSilence;
  }

  /** Begins to count, or begins anew. With `heartbeatMs`: what the server has told. */
  start(heartbeatMs?: number): void {
    if (heartbeatMs !== undefined) this.silenceMs = 2 * heartbeatMs + MARGIN_MS;
    this.seen();
    this.wait(this.silenceMs);
  }

  /** Something came. */
  seen(): void {
    this.seenAt = performance.now();
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private wait(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const leftMs = this.seenAt + this.silenceMs - performance.now();
      if (leftMs > 0) this.wait(leftMs);
      else this.onSilence();
    }, ms).unref();
  }
}
