import { type CallOptions, type ClientUnaryCall, Metadata, type ServiceError } from '@grpc/grpc-js';

type UnaryMethod<Q, A> = (
  request: Q,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: A) => void,
) => ClientUnaryCall;

/** What a call is made with besides its request. */
export interface CallExtras {
  readonly metadata?: Metadata;
  readonly options?: Partial<CallOptions>;
  readonly signal?: AbortSignal;
}

/** Calls a unary method of a generated client; rejects with the ServiceError. */
export function call<K extends string, Q, A>(
  client: Record<K, UnaryMethod<Q, A>>,
  method: K,
  request: Q,
  extras: CallExtras = {},
): Promise<A> {
  return new Promise((resolve, reject) => {
    const { metadata = new Metadata(), options = {}, signal } = extras;
    const running = client[method](request, metadata, options, (error, response) => {
      if (error === null) resolve(response);
      else reject(error);
    });
    signal?.addEventListener('abort', () => {
      running.cancel();
    });
  });
}

/** The error that a promise rejects with; fails if it does not. */
export async function failureOf(promise: Promise<unknown>): Promise<ServiceError> {
  try {
    await promise;
  } catch (error) {
    return error as ServiceError;
  }
  throw new Error('the call was expected to fail');
}
