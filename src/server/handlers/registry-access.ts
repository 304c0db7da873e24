import {
  fromAccess,
  fromDemoteServer,
  fromListGrants,
  fromPromoteServer,
  fromSetAccess,
  toAccessResponse,
  toDemoteServerResponse,
  toListGrantsResponse,
  toPromoteServerResponse,
} from '../../wire/access-codec.js';
import type { RegistryServiceService } from '../../wire/service-definitions.js';
import type { HandlersOf } from '../grpc/shell.js';
import { headerFacts, requestContext, type HandlerDeps } from './handler-context.js';

type Access =
  'setAccess' | 'grantAccess' | 'revokeAccess' | 'listGrants' | 'promoteServer' | 'demoteServer';

/** Handlers of the methods that say who may use a server. */
export function registryAccess({
  services,
  servedBy,
}: HandlerDeps): Pick<HandlersOf<typeof RegistryServiceService>, Access> {
  return {
    setAccess: async (request, call) => {
      const { tenant, command } = fromSetAccess(request);
      const answer = await services.setAccess(requestContext(call, tenant), command);
      return toAccessResponse(headerFacts({ tenant, servedBy }, answer), answer.value);
    },
    grantAccess: async (request, call) => {
      const { tenant, command } = fromAccess(request);
      const answer = await services.grantAccess(requestContext(call, tenant), command);
      return toAccessResponse(headerFacts({ tenant, servedBy }, answer), answer.value);
    },
    revokeAccess: async (request, call) => {
      const { tenant, command } = fromAccess(request);
      const answer = await services.revokeAccess(requestContext(call, tenant), command);
      return toAccessResponse(headerFacts({ tenant, servedBy }, answer), answer.value);
    },
    listGrants: async (request, call) => {
      const { tenant, query } = fromListGrants(request);
      const answer = await services.listGrants(requestContext(call, tenant), query);
      return toListGrantsResponse(headerFacts({ tenant, servedBy }, answer), answer.value);
    },
    promoteServer: async (request, call) => {
      const { tenant, command } = fromPromoteServer(request);
      const answer = await services.promoteServer(requestContext(call, tenant), command);
      return toPromoteServerResponse(headerFacts({ tenant, servedBy }, answer), answer.value);
    },
    demoteServer: async (request, call) => {
      const { tenant, command } = fromDemoteServer(request);
      const answer = await services.demoteServer(requestContext(call, tenant), command);
      return toDemoteServerResponse(headerFacts({ tenant, servedBy }, answer), answer.value);
    },
  };
}
