import type { SwitchboardError } from '../../domain/errors.js';
import type { FrameSink } from './sink.js';

interface Queued {
  readonly frame: Uint8Array;
  /** Bytes that count against the budget: those of commits, not of a snapshot. */
  readonly counted: number;
  /** Whether it closes a commit. */
  readonly closes: boolean;
  /** Whether it stays when the backlog is dropped. */
  readonly stays: boolean;
}

/**
 * The frames of one stream that its reader has not taken yet. Only commits count against
 * the budget, and a single commit never exceeds it (protocol.md rule 21).
 */
export class Outbound {
  private readonly sink: FrameSink;
  /** Milliseconds, monotonic. */
  private readonly now: () => number;
  /** What waits; most readers take everything at once, and have none. */
  private queue: Queued[] | undefined;
  private next = 0;
  private backlog = 0;
  private commitsWaiting = 0;
  private blockedAt: number | undefined;
  private onEmpty: (() => void)[] | undefined;
  private ended = false;

  constructor(sink: FrameSink, now: () => number) {
    this.sink = sink;
    this.now = now;
  }

  /** Since when the reader has taken nothing, on the given clock; undefined if it keeps up. */
  get blockedSince(): number | undefined {
    return this.blockedAt;
  }

  /** Bytes of commits that wait. */
  get waitingBytes(): number {
    return this.backlog;
  }

  /** Queues frames that count against no budget. */
  send(frames: readonly Uint8Array[]): void {
    for (const frame of frames) {
      if (!this.passes(frame)) this.push({ frame, counted: 0, closes: false, stays: false });
    }
  }

  /** Queues a frame that tells nothing of the log, and so outlives `clear`. */
  tell(frame: Uint8Array): void {
    if (!this.passes(frame)) this.push({ frame, counted: 0, closes: false, stays: true });
  }

  /** Queues the frames of one commit; the last one closes it. */
  sendCommit(frames: readonly Uint8Array[]): void {
    const last = frames.length - 1;
    frames.forEach((frame, index) => {
      if (this.passes(frame)) return;
      this.push({ frame, counted: frame.byteLength, closes: index === last, stays: false });
    });
  }

  /** Whether more than one commit waits, and together they are larger than `budgetBytes`. */
  exceeds(budgetBytes: number): boolean {
    return this.commitsWaiting > 1 && this.backlog > budgetBytes;
  }

  /** Drops what was not handed over yet, but for what `tell` queued. */
  clear(): void {
    this.queue = this.queue?.slice(this.next).filter(({ stays }) => stays);
    this.next = 0;
    this.backlog = 0;
    this.commitsWaiting = 0;
  }

  /** Calls back once everything queued was handed over, or the stream has ended. */
  whenEmpty(callback: () => void): void {
    if (this.ended || (!this.waits && this.blockedAt === undefined)) callback();
    else (this.onEmpty ??= []).push(callback);
  }

  /** Resolves once everything queued was handed over, or the stream has ended. */
  empty(): Promise<void> {
    return new Promise((resolve) => {
      this.whenEmpty(resolve);
    });
  }

  end(error?: SwitchboardError): void {
    if (this.ended) return;
    this.ended = true;
    this.emptied();
    this.sink.end(error);
  }

  private get waits(): boolean {
    return this.queue !== undefined && this.next < this.queue.length;
  }

  /** Hands a frame over at once where nothing waits before it. After the end it is dropped. */
  private passes(frame: Uint8Array): boolean {
    if (this.ended) return true;
    if (this.blockedAt !== undefined || this.waits) return false;
    if (!this.sink.write(frame)) this.wait();
    return true;
  }

  private push(queued: Queued): void {
    (this.queue ??= []).push(queued);
    this.backlog += queued.counted;
    if (queued.closes) this.commitsWaiting += 1;
  }

  private pump(): void {
    while (!this.ended && this.blockedAt === undefined) {
      const queued = this.queue?.[this.next];
      if (queued === undefined) {
        this.emptied();
        return;
      }
      this.next += 1;
      this.backlog -= queued.counted;
      if (queued.closes) this.commitsWaiting -= 1;
      if (!this.sink.write(queued.frame)) this.wait();
    }
  }

  private wait(): void {
    this.blockedAt = this.now();
    this.sink.onceDrained(() => {
      this.blockedAt = undefined;
      this.pump();
    });
  }

  private emptied(): void {
    this.queue = undefined;
    this.next = 0;
    const callbacks = this.onEmpty ?? [];
    this.onEmpty = undefined;
    for (const callback of callbacks) callback();
  }
}
