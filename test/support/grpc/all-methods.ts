import { ConnectionServiceService } from '../../../generated/switchboard/v1/connection_service.js';
import { RegistryServiceService } from '../../../generated/switchboard/v1/registry_service.js';
import type { AnyMethod } from '../../../src/server/grpc/methods.js';

/** Every method that the server serves, with its name in the protos. */
export const ALL_METHODS: readonly (readonly [name: string, method: AnyMethod])[] = [
  RegistryServiceService,
  ConnectionServiceService,
].flatMap((definition) =>
  Object.values<AnyMethod>(definition).map((method) => [
    method.path.slice(method.path.lastIndexOf('/') + 1),
    method,
  ]),
);
