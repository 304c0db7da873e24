import type { StatusObject } from '@grpc/grpc-js';
import type { SwitchboardError } from '../../domain/errors.js';
import type { FrameSink } from '../../services/watch/sink.js';
import { createCallController } from './call-controller.js';

/** The writing half of a grpc-js stream, as far as it is used here. */
export interface FrameStream {
  /** Messages that wait to be handed to the socket. */
  readonly writableLength: number;
  write(frame: Uint8Array, written?: () => void): boolean;
  end(): unknown;
  emit(event: 'error', status: StatusObject): boolean;
}

// grpc-js counts messages only (16), whatever their size; two frames of a snapshot should fit.
const HIGH_WATER_BYTES = 128 * 1024;
/** What a queued frame costs besides its bytes. */
const FRAME_OVERHEAD_BYTES = 100;

/**
 * A FrameSink over a grpc-js stream: the frames are sent as they are, and what waits for the
 * reader is counted in bytes. At most about 128 KB plus one frame wait in here. There is one
 * for each stream, most of them idle: what few streams need is made when it is needed.
 */
export class GrpcFrameSink implements FrameSink {
  private readonly stream: FrameStream;
  /** The status to end with for an error. */
  private readonly toStatus: (error: SwitchboardError) => StatusObject;
  /** At least what waits; exact again whenever nothing does. */
  private pendingBytes = 0;
  /** Frames at or above the mark that are not handed to the socket yet. */
  private filling = 0;
  private ended = false;
  private reason: SwitchboardError | undefined;
  private onDrained: (() => void) | undefined;
  private onGone: (() => void)[] | undefined;
  private controller: AbortController | undefined;

  constructor(stream: FrameStream, toStatus: (error: SwitchboardError) => StatusObject) {
    this.stream = stream;
    this.toStatus = toStatus;
  }

  get isGone(): boolean {
    return this.reason !== undefined;
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = createCallController();
      if (this.isGone) this.controller.abort(this.reason);
    }
    return this.controller.signal;
  }

  write(frame: Uint8Array): boolean {
    if (this.ended || this.isGone) return false;
    if (this.stream.writableLength === 0) this.pendingBytes = 0;
    this.pendingBytes += frame.byteLength + FRAME_OVERHEAD_BYTES;
    if (this.pendingBytes < HIGH_WATER_BYTES) {
      this.stream.write(frame);
      return true;
    }
    // Frames are handed over in their order: when this one is, so are those before it.
    this.filling += 1;
    this.stream.write(frame, () => {
      this.filling -= 1;
      if (this.filling > 0) return;
      this.pendingBytes = 0;
      this.notifyIfDrained();
    });
    return false;
  }

  onceDrained(callback: () => void): void {
    this.onDrained = callback;
    // Never within the call: a caller that writes from the callback would recurse.
    if (this.filling === 0) {
      queueMicrotask(() => {
        this.notifyIfDrained();
      });
    }
  }

  onceGone(callback: () => void): void {
    if (this.isGone) callback();
    else (this.onGone ??= []).push(callback);
  }

  end(error?: SwitchboardError): void {
    if (this.ended || this.isGone) return;
    this.ended = true;
    this.onDrained = undefined;
    if (error === undefined) this.stream.end();
    else this.stream.emit('error', this.toStatus(error));
  }

  /** To be called once the peer is gone or the ended stream is closed, with why. */
  gone(reason: SwitchboardError): void {
    if (this.isGone) return;
    this.reason = reason;
    this.onDrained = undefined;
    this.controller?.abort(reason);
    const callbacks = this.onGone ?? [];
    this.onGone = undefined;
    for (const callback of callbacks) callback();
  }

  private notifyIfDrained(): void {
    if (this.onDrained === undefined || this.filling > 0) return;
    const callback = this.onDrained;
    this.onDrained = undefined;
    callback();
  }
}
