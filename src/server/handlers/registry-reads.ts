import { fromBatchGetServers, toBatchGetServersResponse } from '../../wire/batch-codec.js';
import {
  fromGetServer,
  fromListServers,
  fromWatchServers,
  toListServersResponse,
  toServerResponse,
} from '../../wire/registry-codec.js';
import type { RegistryServiceService } from '../../wire/service-definitions.js';
import type { HandlersOf } from '../grpc/shell.js';
import { headerFacts, requestContext, type HandlerDeps } from './handler-context.js';

type Reads = 'getServer' | 'batchGetServers' | 'listServers' | 'watchServers';

/** Handlers of the methods that read what a view shows. */
export function registryReads({
  services,
  servedBy,
}: HandlerDeps): Pick<HandlersOf<typeof RegistryServiceService>, Reads> {
  return {
    getServer: async (request, call) => {
      const { tenant, query } = fromGetServer(request);
      const answer = await services.getServer(requestContext(call, tenant), query);
      return toServerResponse(
        headerFacts({ tenant, servedBy, view: query.view }, answer),
        answer.value.record,
      );
    },
    batchGetServers: async (request, call) => {
      const { tenant, query } = fromBatchGetServers(request);
      const answer = await services.batchGetServers(requestContext(call, tenant), query);
      return toBatchGetServersResponse(
        headerFacts({ tenant, servedBy, view: query.view }, answer),
        answer.value,
      );
    },
    listServers: async (request, call) => {
      const { tenant, query } = fromListServers(request);
      const answer = await services.listServers(requestContext(call, tenant), query);
      return toListServersResponse(
        headerFacts({ tenant, servedBy, view: query.view }, answer),
        answer.value,
      );
    },
    watchServers: async (request, { sink, context }) => {
      const { tenant, query } = fromWatchServers(request);
      await services.watchServers({ caller: context.caller, tenant, sink }, query);
    },
  };
}
