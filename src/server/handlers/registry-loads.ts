import { SwitchboardError } from '../../domain/errors.js';
import type { RegistryServiceService } from '../../wire/service-definitions.js';
import type { HandlersOf } from '../grpc/shell.js';
import type { HandlerDeps } from './handler-context.js';

type Loads = 'loadPrivateServers' | 'getPrivateLoadStatus' | 'invalidateUser' | 'purgeUser';

const refuse = (): never => {
  throw new SwitchboardError('UNSUPPORTED');
};

/** Handlers of the methods about what is loaded for one user. */
export function registryLoads(
  _deps: HandlerDeps,
): Pick<HandlersOf<typeof RegistryServiceService>, Loads> {
  return {
    loadPrivateServers: refuse,
    getPrivateLoadStatus: refuse,
    invalidateUser: refuse,
    purgeUser: refuse,
  };
}
