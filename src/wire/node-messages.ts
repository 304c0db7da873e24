import type { Subscribe, SyncRequest } from '../../generated/switchboard/v1/connection_service.js';
import { DEFAULT_TENANT } from '../domain/caller.js';
import { SwitchboardError } from '../domain/errors.js';
import type { ReaderView } from '../domain/view.js';
import { fromHeldMessages, fromReaderViewMessage } from './view-codec.js';

/** A view that a node wants on its stream. */
export interface SubscriptionMessage {
  readonly id: string;
  readonly view: ReaderView;
  readonly digest: string;
}

/** What a node says, read. */
export type NodeMessage =
  | {
      readonly kind: 'open';
      readonly tenant: string;
      readonly nodeId: string;
      readonly bootId: string;
      readonly resumeToken: string;
      readonly subscriptions: readonly SubscriptionMessage[];
      readonly held: ReadonlyMap<string, string>;
    }
  | { readonly kind: 'subscribe'; readonly subscription: SubscriptionMessage }
  | { readonly kind: 'unsubscribe'; readonly id: string }
  | { readonly kind: 'applied'; readonly token: string };

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

/** The tenant that a request names, or the default one. */
export function tenantOf(tenant: string): string {
  return tenant === '' ? DEFAULT_TENANT : tenant;
}

function fromSubscribe(
  { subscriptionId, view, viewDigest }: Subscribe,
  path: string,
): SubscriptionMessage {
  return {
    id: subscriptionId,
    view: fromReaderViewMessage(view, `${path}.view`),
    digest: viewDigest,
  };
}
