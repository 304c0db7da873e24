import type { Metadata } from '@grpc/grpc-js';
import type { Caller } from '../../domain/caller.js';
import { SwitchboardError } from '../../domain/errors.js';

/** What a handler knows of its call besides the request. */
export interface CallContext {
  readonly caller: Caller;
  /** The full name, such as `/switchboard.v1.RegistryService/GetServer`. */
  readonly method: string;
  /**
   * Aborts when the caller cancels or is gone, and a moment before the deadline, so that a
   * typed answer still arrives. Its reason is the SwitchboardError to answer with
   * (CANCELLED or DEADLINE_EXCEEDED) unless the handler has a better one.
   */
  readonly signal: AbortSignal;
  /** Milliseconds from the start of the call until `signal` aborts; Infinity for a stream without deadline. */
  readonly deadlineMs: number;
  readonly requestMetadata: Metadata;
}

/** What grpc-js tells of every kind of call, as far as it is used here. */
export interface ServerCall {
  readonly metadata: Metadata;
  getDeadline(): Date | number;
  getPath(): string;
  once(event: 'cancelled', listener: () => void): unknown;
}

/** The longest time that a unary call may take, whatever deadline it came with. */
export const MAX_UNARY_MS = 30_000;

/** How much earlier than the caller gives up an answer has to leave. */
const MAX_ANSWER_MARGIN_MS = 200;

/**
 * Milliseconds until a call should stop working, or Infinity. The caller's deadline less a
 * tenth of it, for the way back.
 */
export function workingTimeMs(call: ServerCall, longestMs: number, now = Date.now()): number {
  const leftMs = deadlineOf(call) - now;
  if (leftMs === Infinity) return longestMs;
  return Math.max(0, Math.min(leftMs - Math.min(leftMs / 10, MAX_ANSWER_MARGIN_MS), longestMs));
}

/**
 * Why grpc-js reports a call as cancelled: it says the same of a deadline that passed and of
 * a caller that went away.
 */
export function cancellationOf(call: ServerCall, now = Date.now()): SwitchboardError {
  return new SwitchboardError(deadlineOf(call) <= now ? 'DEADLINE_EXCEEDED' : 'CANCELLED');
}

function deadlineOf(call: ServerCall): number {
  const deadline = call.getDeadline();
  return typeof deadline === 'number' ? deadline : deadline.getTime();
}
