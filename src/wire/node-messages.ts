import type { Subscribe, SyncRequest } from '../../generated/switchboard/v1/connection_service.js';
import { DEFAULT_TENANT } from '../domain/caller.js';
import { SwitchboardError } from '../domain/errors.js';
import type { NodeMessage, SubscriptionRequest } from '../domain/node-stream.js';
import { fromHeldMessages, fromReaderViewMessage } from './view-codec.js';

/** Reads one message of a node. Throws INVALID_FIELD or PROTOCOL_VIOLATION. */
export function fromSyncRequest({ message }: SyncRequest): NodeMessage {
  if (message === undefined)
    throw new SwitchboardError('PROTOCOL_VIOLATION', 'a message without content');
  switch (message.$case) {
    case 'open': {
      const { tenant, nodeId, bootId, resumeToken, subscriptions, held } = message.value;
      return {
        kind: 'open',
        tenant: tenantOf(tenant),
        nodeId,
        bootId,
        resumeToken,
        subscriptions: subscriptions.map((item, index) =>
          fromSubscribe(item, `open.subscriptions[${String(index)}]`),
        ),
        held: fromHeldMessages(held),
      };
    }
    case 'subscribe':
      return { kind: 'subscribe', subscription: fromSubscribe(message.value, 'subscribe') };
    case 'unsubscribe':
      return { kind: 'unsubscribe', id: message.value.subscriptionId };
    case 'applied':
      return { kind: 'applied', token: message.value.token };
  }
}

/** The tenant that the first message of a node names; undefined for its other messages. */
export function tenantToOpen({ message }: SyncRequest): string | undefined {
  return message?.$case === 'open' ? message.value.tenant : undefined;
}

/** The tenant that a request names, or the default one. */
export function tenantOf(tenant: string): string {
  return tenant === '' ? DEFAULT_TENANT : tenant;
}

function fromSubscribe(
  { subscriptionId, view, viewDigest }: Subscribe,
  path: string,
): SubscriptionRequest {
  return {
    id: subscriptionId,
    view: fromReaderViewMessage(view, `${path}.view`),
    digest: viewDigest,
  };
}
