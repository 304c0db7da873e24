import { fromExplainAccess, toExplainAccessResponse } from '../../wire/explain-codec.js';
import {
  fromListServerVersions,
  fromRollbackServer,
  toListServerVersionsResponse,
  toRollbackServerResponse,
} from '../../wire/history-codec.js';
import type { RegistryServiceService } from '../../wire/service-definitions.js';
import type { HandlersOf } from '../grpc/shell.js';
import { headerFacts, requestContext, type HandlerDeps } from './handler-context.js';

type History = 'listServerVersions' | 'rollbackServer' | 'explainAccess';

/** Handlers of the methods that answer the questions of administrators. */
export function registryHistory({
  services,
  servedBy,
}: HandlerDeps): Pick<HandlersOf<typeof RegistryServiceService>, History> {
  return {
    listServerVersions: async (request, call) => {
      const { tenant, query } = fromListServerVersions(request);
      const answer = await services.listServerVersions(requestContext(call, tenant), query);
      return toListServerVersionsResponse(headerFacts({ tenant, servedBy }, answer), answer.value);
    },
    rollbackServer: async (request, call) => {
      const { tenant, command } = fromRollbackServer(request);
      const answer = await services.rollbackServer(requestContext(call, tenant), command);
      return toRollbackServerResponse(headerFacts({ tenant, servedBy }, answer), answer.value);
    },
    explainAccess: async (request, call) => {
      const { tenant, query } = fromExplainAccess(request);
      const answer = await services.explainAccess(requestContext(call, tenant), query);
      return toExplainAccessResponse(headerFacts({ tenant, servedBy }, answer), answer.value);
    },
  };
}
