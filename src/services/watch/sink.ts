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

  /** Whether the peer is gone, or the ended stream is closed. */
  readonly isGone: boolean;

  /** Calls back once that is so; at once if it is. */
  onceGone(callback: () => void): void;

  /** The same as a signal, for what takes one. Made when it is first asked for. */
  readonly signal: AbortSignal;
}
