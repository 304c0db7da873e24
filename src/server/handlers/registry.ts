import type { Server } from '@grpc/grpc-js';
import type { Services } from '../../services/create-services.js';
import {
  fromCreateServer,
  fromDeleteServer,
  fromGetServer,
  fromListServers,
  fromUpdateServer,
  fromWatchServers,
  toDeleteServerResponse,
  toListServersResponse,
  toServerResponse,
} from '../../wire/registry-codec.js';
import { RegistryServiceService } from '../../wire/service-definitions.js';
import type { Shell } from '../grpc/shell.js';
import { headerFacts, requestContext } from './handler-context.js';

/** Serves RegistryService: each method decodes, calls one use case, and encodes. */
export function addRegistryService(
  server: Pick<Server, 'addService'>,
  shell: Shell,
  { services, servedBy }: { readonly services: Services; readonly servedBy: string },
): void {
  shell.addService(server, RegistryServiceService, {
    getServer: async (request, call) => {
      const { tenant, query } = fromGetServer(request);
      const answer = await services.getServer(requestContext(call, tenant), query);
      return toServerResponse(
        headerFacts({ tenant, servedBy, view: query.view }, answer),
        answer.value.record,
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
    createServer: async (request, call) => {
      const { tenant, query } = fromCreateServer(request);
      const answer = await services.createServer(requestContext(call, tenant), query);
      return toServerResponse(headerFacts({ tenant, servedBy }, answer), answer.value);
    },
    updateServer: async (request, call) => {
      const { tenant, query } = fromUpdateServer(request);
      const answer = await services.updateServer(requestContext(call, tenant), query);
      return toServerResponse(headerFacts({ tenant, servedBy }, answer), answer.value);
    },
    deleteServer: async (request, call) => {
      const { tenant, query } = fromDeleteServer(request);
      const answer = await services.deleteServer(requestContext(call, tenant), query);
      return toDeleteServerResponse(headerFacts({ tenant, servedBy }, answer), answer.value);
    },
    watchServers: async (request, { sink, context }) => {
      const { tenant, query } = fromWatchServers(request);
      await services.watchServers({ ...requestContext(context, tenant), sink }, query);
    },
  });
}
