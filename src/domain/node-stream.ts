import type { SwitchboardError } from './errors.js';
import type { Sight } from './resolve.js';
import type { KnownServer } from './server.js';
import type { TransportPolicy } from './transport-policy.js';
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

/** What the control plane tells a node, one thing after the other. */
export type FeedMessage =
  | {
      readonly kind: 'welcome';
      readonly servedBy: string;
      /** Milliseconds; undefined if the server does not say. */
      readonly heartbeatMs: number | undefined;
      readonly resumed: boolean;
      /** Where PRIVATE servers may be; undefined if the server does not say. */
      readonly policy: TransportPolicy | undefined;
    }
  /** Changes of one step, which a `commit` or a `synced` closes. */
  | { readonly kind: 'changes'; readonly changes: readonly RecordChange<KnownServer>[] }
  | { readonly kind: 'commit'; readonly token: string }
  | {
      readonly kind: 'synced';
      readonly token: string;
      readonly subscriptions: readonly { readonly id: string; readonly digest: string }[];
    }
  | {
      readonly kind: 'heartbeat';
      /** Empty in the middle of a snapshot. */
      readonly token: string;
      readonly newest: string;
      /** Whether the replica cannot reach the Catalog. */
      readonly isDegraded: boolean;
    }
  /** What the node has does not continue; why, such as `epoch_changed`. */
  | { readonly kind: 'reset'; readonly reason: string }
  | { readonly kind: 'refused'; readonly id: string; readonly error: SwitchboardError | undefined };

/** What a node says, as it says it: `NodeMessage` is what the control plane reads of it. */
export type NodeCall =
  | {
      readonly kind: 'open';
      readonly tenant: string;
      readonly nodeId: string;
      readonly bootId: string;
      readonly labels: Readonly<Record<string, string>>;
      /** Empty for none. */
      readonly resumeToken: string;
      readonly subscriptions: readonly SubscriptionRequest[];
      /** The copies that it holds. */
      readonly held: readonly KnownServer[];
    }
  | Exclude<NodeMessage, { kind: 'open' }>;

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
