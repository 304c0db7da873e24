import type { Server } from '@grpc/grpc-js';
import type { NodeSession } from '../../services/watch/node-session.js';
import { fromCheckItems, toCheckResponse } from '../../wire/check-codec.js';
import { fromSyncRequest, tenantOf } from '../../wire/node-messages.js';
import { ConnectionServiceService } from '../../wire/service-definitions.js';
import { SwitchboardError } from '../../domain/errors.js';
import type { Shell } from '../grpc/shell.js';
import { headerFacts, requestContext, type HandlerDeps } from './handler-context.js';

/** Serves ConnectionService: each method decodes, calls one use case, and encodes. */
export function addConnectionService(
  server: Pick<Server, 'addService'>,
  shell: Shell,
  { services, servedBy }: HandlerDeps,
): void {
  shell.addService(server, ConnectionServiceService, {
    checkConnections: async (request, call) => {
      const tenant = tenantOf(request.tenant);
      const items = fromCheckItems(request.items);
      const answer = await services.checkConnections(requestContext(call, tenant), items);
      return toCheckResponse(headerFacts({ tenant, servedBy }, answer), answer.value);
    },
    sync: async (requests, { sink, context }) => {
      let session: NodeSession | undefined;
      for await (const request of requests) {
        const message = fromSyncRequest(request);
        if (session === undefined) {
          if (message.kind !== 'open')
            throw new SwitchboardError('PROTOCOL_VIOLATION', 'open must come first');
          session = services.openSession(context.caller, message.tenant, sink);
        }
        // The next one is read when this one is dealt with: the peer waits meanwhile.
        await session.receive(message);
      }
      // The node sends no more: it is gone, and so is its stream.
      sink.end();
    },
  });
}
