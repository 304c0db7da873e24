import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  type ClientReadableStream,
  type Metadata,
} from '@grpc/grpc-js';
import {
  ListPrivateServersRequest,
  PrivateSourceServiceService,
} from '../../generated/switchboard/source/v1/private_source_service.js';
import { channelOptions } from './client/channel.js';

/** The service that a private source serves. */
export const SOURCE_SERVICE = 'switchboard.source.v1.PrivateSourceService';

/** What bounds a channel to a private source. */
export interface SourceChannelLimits {
  /** How long a call may take. Milliseconds. */
  readonly timeoutMs: number;
  /** The largest message that is accepted. */
  readonly maxBytes: number;
}

/** After a failed attempt to connect, the next one comes within this time. Milliseconds. */
const MAX_BACKOFF_MS = 5_000;

/** A client of a private source at `target`, such as `127.0.0.1:7075`. Its owner closes it. */
export function createSourceClient(
  target: string,
  credentials: ChannelCredentials,
  limits: SourceChannelLimits,
): Client {
  return new Client(target, credentials, channelOptions(sourceChannelOptions(limits)));
}

/**
 * Sources are servers of others, and many close connections that ping without a call. So a
 * ping is sent only while a call goes unanswered, and early enough that a dead connection
 * is found before the call's time is over: the next call then has a new one.
 */
function sourceChannelOptions({ timeoutMs, maxBytes }: SourceChannelLimits): ChannelOptions {
  return {
    'grpc.keepalive_permit_without_calls': 0,
    'grpc.keepalive_time_ms': Math.ceil(timeoutMs / 2),
    'grpc.keepalive_timeout_ms': Math.ceil(timeoutMs / 3),
    'grpc.max_receive_message_length': maxBytes,
    'grpc.max_reconnect_backoff_ms': MAX_BACKOFF_MS,
    // Two sources never share a connection, also at one address.
    'grpc.use_local_subchannel_pool': 1,
  };
}

/** Calls ListPrivateServers; the messages come as they are, still encoded. */
export function listPrivateServers(
  client: Client,
  request: { readonly tenant: string; readonly user: string },
  options: { readonly metadata: Metadata; readonly deadline: number },
): ClientReadableStream<Buffer> {
  const { path, requestSerialize } = PrivateSourceServiceService.listPrivateServers;
  return client.makeServerStreamRequest(
    path,
    requestSerialize,
    (bytes: Buffer) => bytes,
    ListPrivateServersRequest.fromPartial(request),
    options.metadata,
    { deadline: options.deadline },
  );
}
