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

/** How long an answer may take. Milliseconds. */
const TIMEOUT_MS = 10_000;

/** Calls a bound unary method of a client. Throws a SwitchboardError. */
export function callUnary<Q, A>(method: Unary<Q, A>, request: Q, metadata: Metadata): Promise<A> {
  return new Promise((resolve, reject) => {
    method(request, metadata, { deadline: Date.now() + TIMEOUT_MS }, (error, answer) => {
      if (error === null) resolve(answer);
      else reject(fromStatus(error));
    });
  });
}
