import {
  fromInspectServer,
  fromRecordFacts,
  toRecordFactsResponse,
} from '../../wire/inspection-codec.js';
import { toServerResponse } from '../../wire/registry-codec.js';
import type { RegistryServiceService } from '../../wire/service-definitions.js';
import type { HandlersOf } from '../grpc/shell.js';
import { headerFacts, requestContext, type HandlerDeps } from './handler-context.js';

type Inspection = 'inspectServer' | 'recordFacts';

/** Handlers of the methods that find out about servers. */
export function registryInspection({
  services,
  servedBy,
}: HandlerDeps): Pick<HandlersOf<typeof RegistryServiceService>, Inspection> {
  return {
    inspectServer: async (request, call) => {
      const { tenant, query } = fromInspectServer(request);
      const answer = await services.inspectServer(requestContext(call, tenant), query.id);
      return toServerResponse(headerFacts({ tenant, servedBy }, answer), answer.value);
    },
    recordFacts: async (request, call) => {
      const { tenant, command } = fromRecordFacts(request);
      const answer = await services.recordFacts(requestContext(call, tenant), command);
      return toRecordFactsResponse(headerFacts({ tenant, servedBy }, answer), answer.value);
    },
  };
}
