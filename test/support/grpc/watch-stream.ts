import {
  type ClientReadableStream,
  Metadata,
  type ServiceError,
  status,
  type StatusObject,
} from '@grpc/grpc-js';
import {
  type RegistryServiceClient,
  WatchServersRequest,
  WatchServersResponse,
} from '../../../generated/switchboard/v1/registry_service.js';

/** A watch that is open, or was. */
export interface OpenWatch {
  readonly messages: readonly WatchServersResponse[];
  /** The error that it ended with; its code is 0 if it ended well. */
  readonly ended: Promise<StatusObject | ServiceError>;
  readonly stream: ClientReadableStream<WatchServersResponse>;
}

/** What a watch is opened with. */
export interface WatchExtras {
  readonly paused?: boolean;
  readonly metadata?: Metadata;
  readonly request?: Parameters<typeof WatchServersRequest.fromPartial>[0];
}

/** Opens a watch; with `paused`, one that reads nothing until `stream.resume()`. */
export function openWatch(
  client: RegistryServiceClient,
  { paused = false, metadata = new Metadata(), request = {} }: WatchExtras = {},
): OpenWatch {
  const stream = client.watchServers(WatchServersRequest.fromPartial(request), metadata);
  const messages: WatchServersResponse[] = [];
  const ended = new Promise<StatusObject | ServiceError>((resolve) => {
    stream.on('error', resolve);
    stream.on('status', (ended: StatusObject) => {
      if (ended.code === status.OK) resolve(ended);
    });
  });
  stream.on('data', (message: WatchServersResponse) => messages.push(message));
  if (paused) stream.pause();
  return { messages, ended, stream };
}

/** A frame of about `bytes` bytes that carries `token`. */
export function frame(token: string, bytes = 0): Buffer {
  const padded = token.padEnd(bytes, '.');
  return Buffer.from(
    WatchServersResponse.encode(
      WatchServersResponse.fromPartial({ message: { $case: 'synced', value: { token: padded } } }),
    ).finish(),
  );
}

/** The tokens of messages made by `frame`. */
export function tokensOf(messages: readonly WatchServersResponse[]): readonly string[] {
  return messages.map(({ message }) =>
    message?.$case === 'synced' ? message.value.token.replace(/\.+$/, '') : '?',
  );
}
