import type { StoredServer } from '../../domain/server.js';
import type { Answer } from '../../services/request.js';
import {
  encodeBatchGetServersResponse,
  encodeGetServerResponse,
  encodeListServersResponse,
} from '../../wire/answer-encoder.js';
import { fromBatchGetServers } from '../../wire/batch-codec.js';
import { fromGetServer, fromListServers, fromWatchServers } from '../../wire/registry-codec.js';
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
    getServer: (request, call) => {
      const { tenant, query } = fromGetServer(request);
      const encode = (answer: Answer<StoredServer>): Uint8Array =>
        encodeGetServerResponse(
          headerFacts({ tenant, servedBy, view: query.view }, answer),
          answer.value.record,
        );
      // Most are answered at once, and need no signal to wait with.
      const warm = services.getWarmServer({ caller: call.caller, tenant }, query);
      if (warm !== undefined) return encode(warm);
      return services.getServer(requestContext(call, tenant), query).then(encode);
    },
    batchGetServers: async (request, call) => {
      const { tenant, query } = fromBatchGetServers(request);
      const answer = await services.batchGetServers(requestContext(call, tenant), query);
      return encodeBatchGetServersResponse(
        headerFacts({ tenant, servedBy, view: query.view }, answer),
        answer.value,
      );
    },
    listServers: async (request, call) => {
      const { tenant, query } = fromListServers(request);
      const answer = await services.listServers(requestContext(call, tenant), query);
      return encodeListServersResponse(
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
