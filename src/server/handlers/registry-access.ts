import { SwitchboardError } from '../../domain/errors.js';
import type { RegistryServiceService } from '../../wire/service-definitions.js';
import type { HandlersOf } from '../grpc/shell.js';
import type { HandlerDeps } from './handler-context.js';

type Access =
  'setAccess' | 'grantAccess' | 'revokeAccess' | 'listGrants' | 'promoteServer' | 'demoteServer';

const refuse = (): never => {
  throw new SwitchboardError('UNSUPPORTED');
};

/** Handlers of the methods that say who may use a server. */
export function registryAccess(
  _deps: HandlerDeps,
): Pick<HandlersOf<typeof RegistryServiceService>, Access> {
  return {
    setAccess: refuse,
    grantAccess: refuse,
    revokeAccess: refuse,
    listGrants: refuse,
    promoteServer: refuse,
    demoteServer: refuse,
  };
}
