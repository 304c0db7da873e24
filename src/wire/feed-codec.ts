import type * as message from '../../generated/switchboard/v1/connection_service.js';
import { ResetReason, UpstreamState } from '../../generated/switchboard/v1/common.js';
import { freezeDeep } from '../domain/freeze-deep.js';
import type {
  FeedMessage,
  NodeCall,
  RecordChange,
  SubscriptionRequest,
} from '../domain/node-stream.js';
import type { KnownServer } from '../domain/server.js';
import { fromTransportPolicyMessage } from './policy-codec.js';
import { fromServerMessage } from './server-codec.js';
import { fromDuration } from './spec-codec.js';
import { fromRpcStatus } from './status.js';
import { toViewMessage } from './view-codec.js';

/**
 * What one frame of a stream tells, in order, read one by one; `closes` as the message
 * `commit` that it stands for. What this client does not know is left out.
 */
export function* messagesOf(frame: message.SyncResponse): Generator<FeedMessage> {
  const told = frame.message && fromContent(frame.message);
  if (told !== undefined) yield told;
  if (frame.closes !== undefined) yield { kind: 'commit', token: frame.closes.token };
}

function fromContent(
  content: NonNullable<message.SyncResponse['message']>,
): FeedMessage | undefined {
  switch (content.$case) {
    case 'welcome': {
      const { servedBy, heartbeatInterval, resumed, transportPolicy } = content.value;
      return {
        kind: 'welcome',
        servedBy,
        heartbeatMs: fromDuration(heartbeatInterval),
        resumed,
        policy: transportPolicy && fromTransportPolicyMessage(transportPolicy),
      };
    }
    case 'changes':
      return {
        kind: 'changes',
        changes: content.value.changes.flatMap((change) => fromRecordChange(change) ?? []),
      };
    case 'commit':
      return { kind: 'commit', token: content.value.token };
    case 'synced': {
      const { token, subscriptions } = content.value;
      return {
        kind: 'synced',
        token,
        subscriptions: subscriptions.map(({ subscriptionId, viewDigest }) => ({
          id: subscriptionId,
          digest: viewDigest,
        })),
      };
    }
    case 'heartbeat': {
      const { token, newest, upstreamState } = content.value;
      const isDegraded = upstreamState === UpstreamState.UPSTREAM_STATE_DEGRADED;
      return { kind: 'heartbeat', token, newest, isDegraded };
    }
    case 'reset':
      return { kind: 'reset', reason: fromResetReason(content.value.reason) };
    case 'refused': {
      const { subscriptionId, status } = content.value;
      return { kind: 'refused', id: subscriptionId, error: status && fromRpcStatus(status) };
    }
  }
}

/** Reads a change that the server sent; undefined for a kind that this client does not know. */
export function fromRecordChange({
  change,
  sights,
}: message.RecordChange): RecordChange<KnownServer> | undefined {
  const seen = sights.map(({ subscriptionId, owned, grantOrder }) => ({
    subscriptionId,
    owned,
    grantRevision: grantOrder,
  }));
  switch (change?.$case) {
    case 'upsert':
      return { kind: 'upsert', server: freezeDeep(fromServerMessage(change.value)), sights: seen };
    case 'unchangedId':
      return { kind: 'unchanged', id: change.value, sights: seen };
    case 'removedId':
      return { kind: 'removed', id: change.value };
    case undefined:
      return undefined;
  }
}

/** What a node says, as a frame of its stream. */
export function toSyncRequest(call: NodeCall): message.SyncRequest {
  return { message: toContent(call) };
}

function toContent(call: NodeCall): NonNullable<message.SyncRequest['message']> {
  switch (call.kind) {
    case 'open': {
      const { tenant, nodeId, bootId, resumeToken, labels, subscriptions, held } = call;
      return {
        $case: 'open',
        value: {
          tenant,
          nodeId,
          bootId,
          resumeToken,
          labels: new Map(Object.entries(labels)),
          subscriptions: subscriptions.map(toSubscribe),
          held: held.map(({ id, etag, accessEtag, factsEtag }) => ({
            id,
            etag,
            accessEtag,
            factsEtag,
          })),
        },
      };
    }
    case 'subscribe':
      return { $case: 'subscribe', value: toSubscribe(call.subscription) };
    case 'unsubscribe':
      return { $case: 'unsubscribe', value: { subscriptionId: call.id } };
    case 'applied':
      return { $case: 'applied', value: { token: call.token } };
  }
}

function toSubscribe({ id, view, digest }: SubscriptionRequest): message.Subscribe {
  return { subscriptionId: id, view: toViewMessage(view), viewDigest: digest };
}

/** Why a stream does not continue, in lower case, such as `epoch_changed`. */
export function fromResetReason(reason: ResetReason): string {
  const name = (ResetReason[reason] as string | undefined) ?? 'RESET_REASON_UNSPECIFIED';
  return name.replace(/^RESET_REASON_/, '').toLowerCase();
}
