import {
  fromGetPrivateLoadStatus,
  fromInvalidateUser,
  fromLoadPrivateServers,
  fromPurgeUser,
  toLoadResponse,
  toPurgeUserResponse,
} from '../../wire/load-codec.js';
import {
  fromRemovePrivateSource,
  fromRenamePrivateSource,
  toRemovePrivateSourceResponse,
  toSourceResponse,
} from '../../wire/source-record-codec.js';
import { tenantOf } from '../../wire/node-messages.js';
import type { RegistryServiceService } from '../../wire/service-definitions.js';
import type { HandlersOf } from '../grpc/shell.js';
import { headerFacts, requestContext, type HandlerDeps } from './handler-context.js';

type Loads =
  | 'loadPrivateServers'
  | 'getPrivateLoadStatus'
  | 'invalidateUser'
  | 'purgeUser'
  | 'getPrivateSource'
  | 'renamePrivateSource'
  | 'removePrivateSource';

/** Handlers of the methods about private loads: what is loaded for one user, and from where. */
export function registryLoads({
  services,
  servedBy,
}: HandlerDeps): Pick<HandlersOf<typeof RegistryServiceService>, Loads> {
  return {
    loadPrivateServers: async (request, call) => {
      const { tenant, command } = fromLoadPrivateServers(request);
      const answer = await services.loadPrivateServers(requestContext(call, tenant), command);
      return toLoadResponse(headerFacts({ tenant, servedBy }, answer), answer.value);
    },
    getPrivateLoadStatus: async (request, call) => {
      const { tenant, query } = fromGetPrivateLoadStatus(request);
      const answer = await services.getPrivateLoadStatus(requestContext(call, tenant), query);
      return toLoadResponse(headerFacts({ tenant, servedBy }, answer), answer.value);
    },
    invalidateUser: async (request, call) => {
      const { tenant, command } = fromInvalidateUser(request);
      const answer = await services.invalidateUser(requestContext(call, tenant), command);
      return toLoadResponse(headerFacts({ tenant, servedBy }, answer), answer.value);
    },
    purgeUser: async (request, call) => {
      const { tenant, command } = fromPurgeUser(request);
      const answer = await services.purgeUser(requestContext(call, tenant), command);
      return toPurgeUserResponse(headerFacts({ tenant, servedBy }, answer), answer.value);
    },
    getPrivateSource: async (request, call) => {
      const tenant = tenantOf(request.tenant);
      const answer = await services.getPrivateSource(requestContext(call, tenant));
      return toSourceResponse(headerFacts({ tenant, servedBy }, answer), answer.value);
    },
    renamePrivateSource: async (request, call) => {
      const { tenant, command } = fromRenamePrivateSource(request);
      const answer = await services.renamePrivateSource(requestContext(call, tenant), command);
      return toSourceResponse(headerFacts({ tenant, servedBy }, answer), answer.value);
    },
    removePrivateSource: async (request, call) => {
      const { tenant, command } = fromRemovePrivateSource(request);
      const answer = await services.removePrivateSource(requestContext(call, tenant), command);
      return toRemovePrivateSourceResponse(headerFacts({ tenant, servedBy }, answer), answer.value);
    },
  };
}
