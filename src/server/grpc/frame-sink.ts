import type { StatusObject } from '@grpc/grpc-js';
import type { SwitchboardError } from '../../domain/errors.js';
import type { FrameSink } from '../../services/watch/sink.js';

/** The writing half of a grpc-js stream, as far as it is used here. */
export interface FrameStream {
  write(frame: Uint8Array, written: () => void): boolean;
  end(): unknown;
  emit(event: 'error', status: StatusObject): boolean;
}

export interface FrameSinkOptions {
  readonly signal: AbortSignal;
  /** The status to end with for an error. */
  readonly toStatus: (error: SwitchboardError) => StatusObject;
}

// grpc-js counts messages only (16), whatever their size; two frames of a snapshot should fit.
const HIGH_WATER_BYTES = 128 * 1024;
const LOW_WATER_BYTES = HIGH_WATER_BYTES / 2;
/** What a queued frame costs besides its bytes. */
const FRAME_OVERHEAD_BYTES = 100;

/**
 * A FrameSink over a grpc-js stream: the frames are sent as they are, and what waits for the
 * reader is counted in bytes. At most about 128 KB plus one frame wait in here.
 */
export function createFrameSink(stream: FrameStream, options: FrameSinkOptions): FrameSink {
  const { signal, toStatus } = options;
  // One callback for all frames: grpc-js calls it in the order of writing.
  const sizes: number[] = [];
  let pendingBytes = 0;
  let ended = false;
  let onDrained: (() => void) | undefined;

  const notifyIfDrained = (): void => {
    if (onDrained === undefined || pendingBytes > LOW_WATER_BYTES || signal.aborted) return;
    const callback = onDrained;
    onDrained = undefined;
    callback();
  };
  const written = (): void => {
    pendingBytes -= sizes.shift() ?? 0;
    notifyIfDrained();
  };

  return {
    signal,
    write(frame) {
      if (ended || signal.aborted) return false;
      const size = frame.byteLength + FRAME_OVERHEAD_BYTES;
      sizes.push(size);
      pendingBytes += size;
      stream.write(frame, written);
      return pendingBytes < HIGH_WATER_BYTES;
    },
    onceDrained(callback) {
      onDrained = callback;
      // Never within the call: a caller that writes from the callback would recurse.
      if (pendingBytes <= LOW_WATER_BYTES) queueMicrotask(notifyIfDrained);
    },
    end(error) {
      if (ended || signal.aborted) return;
      ended = true;
      onDrained = undefined;
      if (error === undefined) stream.end();
      else stream.emit('error', toStatus(error));
    },
  };
}
