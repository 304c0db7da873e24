import type { Transport } from '@modelcontextprotocol/client';
import type { McpError } from './mcp-error.js';

/** Limits of a transport that reads a stream. */
export interface StreamLimits {
  /** Milliseconds of silence after which it counts as lost; undefined for never. */
  readonly readMs: number | undefined;
  /** The largest message that is taken. */
  readonly maxMessageBytes: number;
}

/** What a connection needs of its transport besides what the SDK does. */
export interface McpTransport extends Transport {
  /** Whether requests name a session, which the server may have forgotten. */
  readonly hasSession: boolean;
  /** Why it ended, where it knows better than that it ended by itself; undefined after close(). */
  readonly endCause?: McpError | undefined;
  /** The process, and the id of its group; undefined where there is none. */
  readonly processId?: number | undefined;
  /** Called when a stream is given up: a hint that the server is gone, not a proof. */
  onStreamLost?: () => void;
  /** Says that the server does not know the session: close() will not delete it. */
  forgetSession?(): void;
  /** How the process ended, waited for if it is about to end. */
  exitSoon?(): Promise<string | undefined>;
  /** Fails what is in flight at once, then ends everything. Idempotent, bounded in time. */
  close(graceMs?: number): Promise<void>;
}
