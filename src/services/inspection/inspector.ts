import type { ServerSpec } from '../../domain/config/spec.js';
import type { InspectionResult } from '../../domain/inspection.js';
import type { TransportPolicy } from '../../domain/transport-policy.js';

/** One inspection. */
export interface InspectOptions {
  /** Ends it at once; the call then throws the reason of the signal. */
  readonly signal: AbortSignal;
  /** Milliseconds for all of it. */
  readonly timeoutMs: number;
  /** Has to allow every address that is connected to; undefined for a server that may be anywhere. */
  readonly policy: TransportPolicy | undefined;
}

/**
 * Connects once to what a spec describes and reads its facts. A server that cannot be
 * inspected is a result, not an error. Works within bounds of time and size whatever the
 * server does, and leaves no connection behind.
 */
export interface Inspector {
  inspect(spec: ServerSpec, options: InspectOptions): Promise<InspectionResult>;
  /** Waits until everything that was opened is gone. Inspections must have ended before. */
  close(): Promise<void>;
}
