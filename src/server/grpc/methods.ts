import { asBuffer } from '../../wire/frame.js';

/** A method of a generated service definition. */
export interface AnyMethod {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  // The generated definitions have one concrete message type for each; only `any` admits all.
  /* eslint-disable @typescript-eslint/no-explicit-any */
  readonly requestSerialize: (request: any) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => any;
  readonly responseSerialize: (response: any) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => any;
  /* eslint-enable @typescript-eslint/no-explicit-any */
}

/** The request message of a method. */
export type RequestOf<M extends AnyMethod> = ReturnType<M['requestDeserialize']>;
/** The response message of a method. */
export type ResponseOf<M extends AnyMethod> = Parameters<M['responseSerialize']>[0];

/**
 * The method as the server registers it: requests arrive as bytes, because who calls is
 * checked before they are decoded, and answers are encoded already. An answer that cannot be
 * encoded is a defect, and must reach our log; grpc-js would only say INTERNAL.
 */
export function bytesMethod(method: AnyMethod): AnyMethod {
  return { ...method, requestDeserialize: (bytes: Buffer) => bytes, responseSerialize: asBuffer };
}

/** The name of a method in the proto, from its path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
