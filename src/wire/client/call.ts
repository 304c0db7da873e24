import type { CallOptions, ClientUnaryCall, Metadata, ServiceError } from '@grpc/grpc-js';
import { fromStatus } from '../wire/status.js';

type Unary<Q, A> = (
  ...args: [
    request: Q,
    metadata: Metadata,
    options: Partial<CallOptions>,
    callback: (error: ServiceError | null, answer: A) => void,
  ]
) => ClientUnaryCall;

/** How a call is made. */
export interface UnaryOptions {
  readonly metadata: Metadata;
  /** How long an answer may take. Milliseconds, default 10,000. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;

/** Calls a bound unary method of a client. Throws a SwitchboardError. */
export function callUnary<Q, A>(
  method: Unary<Q, A>,
  request: Q,
  { metadata, timeoutMs = TIMEOUT_MS }: UnaryOptions,
): Promise<A> {
  return new Promise((resolve, reject) => {
    method(request, metadata, { deadline: Date.now() + timeoutMs }, (error, answer) => {
      if (error === null) resolve(answer);
      else reject(fromStatus(error));
    });
  });
}
