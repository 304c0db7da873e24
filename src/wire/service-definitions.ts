/** The services as grpc-js registers them. */
export { RegistryServiceService } from '../../generated/switchboard/v1/registry_service.js';
export { ConnectionServiceService } from '../../generated/switchboard/v1/connection_service.js';
