import type { SwitchboardError } from '../../../src/domain/errors.js';
import type { FrameSink } from '../../../src/services/watch/sink.js';

/**
 * A stream's peer in the hands of a test: keeps the frames it is given, takes no more
 * after `stall`, goes on after `release`, and can go away.
 */
export class RecordingSink implements FrameSink {
  readonly frames: Uint8Array[] = [];
  private readonly controller = new AbortController();
  private room = Number.POSITIVE_INFINITY;
  private drained: (() => void) | undefined;
  private how: { readonly error: SwitchboardError | undefined } | undefined;

  /** How the stream was ended; undefined while it is open. */
  get ended(): { readonly error: SwitchboardError | undefined } | undefined {
    return this.how;
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get isGone(): boolean {
    return this.signal.aborted;
  }

  onceGone(callback: () => void): void {
    if (this.isGone) callback();
    else this.signal.addEventListener('abort', callback, { once: true });
  }

  /** Whether the writer waits for room. */
  get isBlocked(): boolean {
    return this.drained !== undefined;
  }

  get bytes(): number {
    return this.frames.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  write(frame: Uint8Array): boolean {
    if (this.how !== undefined || this.signal.aborted) return true;
    this.frames.push(frame);
    this.room -= 1;
    return this.room > 0;
  }

  onceDrained(callback: () => void): void {
    if (this.drained !== undefined) throw new Error('asked twice to be called back');
    this.drained = callback;
  }

  end(error?: SwitchboardError): void {
    if (this.how !== undefined) throw new Error('ended twice');
    this.how = { error };
    this.controller.abort();
  }

  /** Takes only so many frames more until it is released. The last of them says so. */
  stall(frames = 1): void {
    this.room = frames;
  }

  /** Takes so many frames more, by default all. */
  release(frames = Number.POSITIVE_INFINITY): void {
    this.room = frames;
    const callback = this.drained;
    this.drained = undefined;
    callback?.();
  }

  /** The peer is gone. */
  disconnect(): void {
    this.drained = undefined;
    this.controller.abort();
  }
}

/**
 * The frames as the test encoders of `services-encoders.ts` wrote them. What closes a commit
 * is a frame of its own here, also where it came in the last frame of the commit.
 */
export function decodeFrames<T>(sink: Pick<RecordingSink, 'frames'>): readonly T[] {
  return sink.frames.flatMap((frame) => {
    const { closes, ...told } = JSON.parse(Buffer.from(frame).toString()) as { closes?: object };
    return (closes === undefined ? [told] : [told, { kind: 'closing', ...closes }]) as T[];
  });
}
