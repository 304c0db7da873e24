import type { RegistryServiceService } from '../../wire/service-definitions.js';
import type { HandlersOf } from '../grpc/shell.js';
import type { HandlerDeps } from './handler-context.js';

type History = 'listServerVersions' | 'rollbackServer' | 'explainAccess';

/** Handlers of the methods that answer the questions of administrators. */
export function registryHistory(
  _deps: HandlerDeps,
): Pick<HandlersOf<typeof RegistryServiceService>, History> {
  return {
    listServerVersions: () => Promise.reject(new Error('to be built')),
    rollbackServer: () => Promise.reject(new Error('to be built')),
    explainAccess: () => Promise.reject(new Error('to be built')),
  };
}
