import {
  type CallOptions,
  type Client,
  type ClientReadableStream,
  Metadata,
  type ServiceError,
  status,
  type StatusObject,
} from '@grpc/grpc-js';
import { fromStatus } from '../../../src/wire/status.js';

/** How a call ended: its code, and the reason in its ErrorInfo if it has one of ours. */
export interface RawEnd {
  readonly code: string;
  readonly reason: string | undefined;
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What is known of a method, as the generated definitions say it. */
export interface RawMethod {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

const same = (bytes: Buffer): Buffer => bytes;

/** Calls any method with one message, which is sent as it is; resolves with how the call ended. */
export function endOfRawCall(
  client: Client,
  { path, requestStream, responseStream }: RawMethod,
  bytes: Buffer,
  metadata = new Metadata(),
): Promise<RawEnd> {
  return new Promise((resolve) => {
    const end = (ended: Pick<StatusObject, 'code' | 'details' | 'metadata'>): void => {
      resolve(endOf(ended));
    };
    const options = { deadline: Date.now() + 30_000 };
    if (!responseStream) {
      client.makeUnaryRequest(path, same, same, bytes, metadata, options, (error) => {
        end(error ?? { code: status.OK, details: '', metadata: new Metadata() });
      });
      return;
    }
    const call: ClientReadableStream<Buffer> = requestStream
      ? openBidi(client, path, { bytes, metadata, options })
      : client.makeServerStreamRequest(path, same, same, bytes, metadata, options);
    call.on('status', end);
    call.on('error', () => undefined);
    call.resume();
  });
}

function openBidi(
  client: Client,
  path: string,
  sent: { readonly bytes: Buffer; readonly metadata: Metadata; readonly options: CallOptions },
): ClientReadableStream<Buffer> {
  const call = client.makeBidiStreamRequest(path, same, same, sent.metadata, sent.options);
  call.write(sent.bytes);
  call.end();
  return call;
}

function endOf(ended: Pick<ServiceError, 'code' | 'details' | 'metadata'>): RawEnd {
  const isTyped = ended.metadata.get('grpc-status-details-bin').length > 0;
  const { reason, message, metadata } = fromStatus(ended);
  return {
    code: status[ended.code],
    reason: isTyped ? reason : undefined,
    message,
    metadata,
  };
}
