import type { RegistryServiceService } from '../../wire/service-definitions.js';
import type { HandlersOf } from '../grpc/shell.js';
import type { HandlerDeps } from './handler-context.js';

type Inspection = 'inspectServer' | 'recordFacts';

/** Handlers of the methods that find out about servers. */
export function registryInspection(
  _deps: HandlerDeps,
): Pick<HandlersOf<typeof RegistryServiceService>, Inspection> {
  return {
    inspectServer: () => Promise.reject(new Error('to be built')),
    recordFacts: () => Promise.reject(new Error('to be built')),
  };
}
