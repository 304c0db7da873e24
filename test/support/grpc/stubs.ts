import type { ChannelCredentials, ChannelOptions } from '@grpc/grpc-js';
import { ConnectionServiceClient } from '../../../generated/switchboard/v1/connection_service.js';
import { RegistryServiceClient } from '../../../generated/switchboard/v1/registry_service.js';
import { channelOptions } from '../../../src/wire/client/channel.js';

/** A client of RegistryService that takes and returns messages. Its owner closes it. */
export function createRegistryStub(
  target: string,
  credentials: ChannelCredentials,
  options?: ChannelOptions,
): RegistryServiceClient {
  return new RegistryServiceClient(target, credentials, channelOptions(options));
}

/** A client of ConnectionService that takes and returns messages. Its owner closes it. */
export function createConnectionStub(
  target: string,
  credentials: ChannelCredentials,
  options?: ChannelOptions,
): ConnectionServiceClient {
  return new ConnectionServiceClient(target, credentials, channelOptions(options));
}
