import type { Sight } from './resolve.js';
import type { ReaderView } from './view.js';

/** What a node and the control plane tell each other over one stream. */

/** How one subscription of a stream sees a PRIVATE record. */
export interface SubscriptionSight extends Sight {
  readonly subscriptionId: string;
}

/**
 * A change of one record as a node sees it. `sights` are all subscriptions that see a
 * PRIVATE record; a shared one has none.
 */
export type RecordChange<T> =
  | { readonly kind: 'upsert'; readonly server: T; readonly sights: readonly SubscriptionSight[] }
  | {
      /** In a snapshot: the copy that the node holds is the current one. */
      readonly kind: 'unchanged';
      readonly id: string;
      readonly sights: readonly SubscriptionSight[];
    }
  | { readonly kind: 'removed'; readonly id: string };

/** A view that a node wants on its stream. */
export interface SubscriptionRequest {
  readonly id: string;
  readonly view: ReaderView;
  /** What `synced` told for it, when resuming; empty otherwise. */
  readonly digest: string;
}

/** What a node says. */
export type NodeMessage =
  | {
      readonly kind: 'open';
      readonly tenant: string;
      readonly nodeId: string;
      readonly bootId: string;
      /** Empty for none. */
      readonly resumeToken: string;
      readonly subscriptions: readonly SubscriptionRequest[];
      /** The copies that it holds: by server id, the version of their content. */
      readonly held: ReadonlyMap<string, string>;
    }
  | { readonly kind: 'subscribe'; readonly subscription: SubscriptionRequest }
  | { readonly kind: 'unsubscribe'; readonly id: string }
  | { readonly kind: 'applied'; readonly token: string };
