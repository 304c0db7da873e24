import type { ChannelCredentials, Metadata } from '@grpc/grpc-js';
import { RegistryServiceClient } from '../../../generated/switchboard/v1/registry_service.js';
import { accessCalls } from './access.js';
import { applyCalls } from './apply.js';
import { channelOptions } from './channel.js';
import { loadCalls } from './loads.js';
import { moveCalls } from './moves.js';
import { serverCalls } from './servers.js';
import { sourceCalls } from './source.js';
import { versionCalls } from './versions.js';
import { watchCalls } from './watch.js';

/** A client of RegistryService: takes and returns what the domain knows. */
export type RegistryClient = ReturnType<typeof createRegistryClient>;

/** A client of one tenant at `target`, such as `127.0.0.1:7070`. Its owner closes it. */
export function createRegistryClient(
  target: string,
  credentials: ChannelCredentials,
  carried: {
    /** Empty for the default one. */
    readonly tenant: string;
    /** What every call carries. */
    readonly metadata: Metadata;
  },
) {
  const stub = new RegistryServiceClient(target, credentials, channelOptions());
  const calls = { stub, ...carried };
  return {
    ...serverCalls(calls),
    ...versionCalls(calls),
    ...accessCalls(calls),
    ...moveCalls(calls),
    ...applyCalls(calls),
    ...loadCalls(calls),
    ...sourceCalls(calls),
    ...watchCalls(calls),
    close: () => {
      stub.close();
    },
  };
}
