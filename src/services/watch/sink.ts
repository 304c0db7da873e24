import type { SwitchboardError } from '../../domain/errors.js';

/**
 * Where the frames of one stream go. Frames arrive in the order of writing, whole or not
 * at all.
 */
export interface FrameSink {
  /**
   * Takes one encoded message, which must not be changed afterwards. False means that the
   * reader is behind: write no more until `onceDrained` calls back. After `end`, or once
   * the peer is gone, frames are dropped.
   */
  write(frame: Uint8Array): boolean;

  /** Calls back once, when there is room again. Never calls after the peer is gone. */
  onceDrained(callback: () => void): void;

  /** Ends the stream after what was written, with the status of `error` if one is given. */
  end(error?: SwitchboardError): void;

  /** Aborts when the peer is gone, and also once an ended stream is closed. */
  readonly signal: AbortSignal;
}
