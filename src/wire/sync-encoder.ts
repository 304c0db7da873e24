import * as message from '../../generated/switchboard/v1/connection_service.js';
import type { CommitEnd } from '../../generated/switchboard/v1/registry_service.js';
import type { Commit, Position } from '../domain/commit.js';
import type { SwitchboardError } from '../domain/errors.js';
import type { RecordChange } from '../domain/node-stream.js';
import type { StoredServer } from '../domain/server.js';
import type { TransportPolicy } from '../domain/transport-policy.js';
import { encodeToken } from '../domain/token.js';
import { encodedRecord } from './encoded-record.js';
import { appended, asBuffer } from './frame.js';
import { toTransportPolicyMessage } from './policy-codec.js';
import { toServerMessage } from './server-codec.js';
import { toDuration } from './spec-codec.js';
import { toRpcStatus } from './status.js';
import { RESET_REASONS, toCommitEnd, toHeartbeat } from './watch-encoder.js';

type NodeChange = RecordChange<StoredServer>;

/** What is the same on every stream of a replica. */
export interface SyncFacts {
  readonly tenant: string;
  readonly servedBy: string;
  readonly heartbeatMs: number;
  readonly maxSubscriptions: number;
  /** Where PRIVATE servers may be. */
  readonly transportPolicy: TransportPolicy;
}

/** The messages of Sync in one tenant, encoded. */
export function createSyncEncoder(facts: SyncFacts) {
  const { tenant } = facts;
  return {
    welcome: ({ resumed }: { readonly resumed: boolean }): Uint8Array =>
      encode({
        $case: 'welcome',
        value: {
          servedBy: facts.servedBy,
          heartbeatInterval: toDuration(facts.heartbeatMs),
          maxSubscriptions: facts.maxSubscriptions,
          resumed,
          transportPolicy: toTransportPolicyMessage(facts.transportPolicy),
        },
      }),
    changes: encodeChanges,
    closing: ({ commit, position }: { commit: Commit; position: Position }): Uint8Array =>
      encode(undefined, toCommitEnd(commit, encodeToken(tenant, position))),
    closed: appended,
    synced: (
      position: Position,
      subscriptions: readonly { readonly id: string; readonly digest: string }[],
    ): Uint8Array =>
      encode({
        $case: 'synced',
        value: {
          token: encodeToken(tenant, position),
          subscriptions: subscriptions.map(({ id, digest }) => ({
            subscriptionId: id,
            viewDigest: digest,
          })),
        },
      }),
    heartbeat: (beat: Parameters<typeof toHeartbeat>[1]): Uint8Array =>
      encode({ $case: 'heartbeat', value: toHeartbeat(tenant, beat) }),
    reset: (reason: keyof typeof RESET_REASONS): Uint8Array =>
      encode({ $case: 'reset', value: { reason: RESET_REASONS[reason] } }),
    refused: (id: string, error: SwitchboardError): Uint8Array =>
      encode({ $case: 'refused', value: { subscriptionId: id, status: toRpcStatus(error) } }),
  };
}

function encodeChanges(changes: readonly NodeChange[]): Uint8Array {
  const make = (): Uint8Array =>
    encode({ $case: 'changes', value: { changes: changes.map(toRecordChange) } });
  const [only, ...others] = changes;
  const isShared = only?.kind === 'upsert' && only.sights.length === 0 && others.length === 0;
  return isShared ? (encodedRecord(only.server.record).sharedChange ??= make()) : make();
}

function toRecordChange(change: NodeChange): message.RecordChange {
  if (change.kind === 'removed')
    return { change: { $case: 'removedId', value: change.id }, sights: [] };
  const sights = change.sights.map(({ subscriptionId, owned, grantRevision }) => ({
    subscriptionId,
    owned,
    grantOrder: grantRevision,
  }));
  if (change.kind === 'unchanged')
    return { change: { $case: 'unchangedId', value: change.id }, sights };
  return { change: { $case: 'upsert', value: toServerMessage(change.server.record) }, sights };
}

function encode(content: message.SyncResponse['message'], closes?: CommitEnd): Uint8Array {
  return asBuffer(message.SyncResponse.encode({ message: content, closes }).finish());
}
