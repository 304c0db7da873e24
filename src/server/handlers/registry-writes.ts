import { fromApplyServers, toApplyResponse } from '../../wire/apply-codec.js';
import { fromUndeleteServer } from '../../wire/history-codec.js';
import {
  fromCreateServer,
  fromDeleteServer,
  fromUpdateServer,
  toDeleteServerResponse,
  toServerResponse,
} from '../../wire/registry-codec.js';
import type { RegistryServiceService } from '../../wire/service-definitions.js';
import type { HandlersOf } from '../grpc/shell.js';
import { headerFacts, requestContext, type HandlerDeps } from './handler-context.js';

type Writes = 'createServer' | 'updateServer' | 'deleteServer' | 'undeleteServer' | 'applyServers';

/** Handlers of the methods that change what people declare. */
export function registryWrites({
  services,
  servedBy,
}: HandlerDeps): Pick<HandlersOf<typeof RegistryServiceService>, Writes> {
  return {
    createServer: async (request, call) => {
      const { tenant, command } = fromCreateServer(request);
      const answer = await services.createServer(requestContext(call, tenant), command);
      return toServerResponse(headerFacts({ tenant, servedBy }, answer), answer.value);
    },
    updateServer: async (request, call) => {
      const { tenant, command } = fromUpdateServer(request);
      const answer = await services.updateServer(requestContext(call, tenant), command);
      return toServerResponse(headerFacts({ tenant, servedBy }, answer), answer.value);
    },
    deleteServer: async (request, call) => {
      const { tenant, command } = fromDeleteServer(request);
      const answer = await services.deleteServer(requestContext(call, tenant), command);
      return toDeleteServerResponse(headerFacts({ tenant, servedBy }, answer), answer.value);
    },
    undeleteServer: async (request, call) => {
      const { tenant, command } = fromUndeleteServer(request);
      const answer = await services.undeleteServer(requestContext(call, tenant), command);
      return toServerResponse(headerFacts({ tenant, servedBy }, answer), answer.value);
    },
    applyServers: async (request, call) => {
      const { tenant, command } = fromApplyServers(request);
      const answer = await services.applyServers(requestContext(call, tenant), command);
      return toApplyResponse(headerFacts({ tenant, servedBy }, answer), answer.value);
    },
  };
}
