import type { CallOptions, ClientUnaryCall, Metadata, ServiceError } from '@grpc/grpc-js';
import type { RegistryServiceClient } from '../../../generated/switchboard/v1/registry_service.js';
import { fromStatus } from '../status.js';

/** How the calls of one client are made. */
export interface RegistryCalls {
  readonly stub: RegistryServiceClient;
  /** Empty for the default one. */
  readonly tenant: string;
  /** What every call carries. */
  readonly metadata: Metadata;
}

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
  /** Cancels the call. */
  readonly signal?: AbortSignal;
}

const TIMEOUT_MS = 10_000;

/** Calls a bound unary method of a stub. Throws a SwitchboardError. */
export function callUnary<Q, A>(
  method: Unary<Q, A>,
  request: Q,
  { metadata, timeoutMs = TIMEOUT_MS, signal }: UnaryOptions,
): Promise<A> {
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + timeoutMs;
    const call = method(request, metadata, { deadline }, (error, answer) => {
      signal?.removeEventListener('abort', cancel);
      if (error === null) resolve(answer);
      else reject(fromStatus(error));
    });
    const cancel = (): void => {
      call.cancel();
    };
    signal?.addEventListener('abort', cancel, { once: true });
  });
}
