import type * as message from '../../generated/switchboard/v1/connection_service.js';
import { ResetReason } from '../../generated/switchboard/v1/common.js';
import { freezeDeep } from '../domain/freeze-deep.js';
import type { RecordChange } from '../domain/node-stream.js';
import type { KnownServer } from '../domain/server.js';
import { fromServerMessage } from './server-codec.js';

/** One thing that a stream tells. */
export type FeedMessage = NonNullable<message.SyncResponse['message']>;

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
      return {
        kind: 'upsert',
        server: freezeDeep(fromServerMessage(change.value)),
        sights: seen,
      };
    case 'unchangedId':
      return { kind: 'unchanged', id: change.value, sights: seen };
    case 'removedId':
      return { kind: 'removed', id: change.value };
    case undefined:
      return undefined;
  }
}

/** What one message of a stream tells, in order: `closes` as the message `commit` that it stands for. */
export function messagesOf({
  message: content,
  closes,
}: message.SyncResponse): readonly FeedMessage[] {
  const told = content === undefined ? [] : [content];
  return closes === undefined ? told : [...told, { $case: 'commit', value: closes }];
}

/** Why a stream does not continue, in lower case, such as `epoch_changed`. */
export function fromResetReason(reason: ResetReason): string {
  const name = (ResetReason[reason] as string | undefined) ?? 'RESET_REASON_UNSPECIFIED';
  return name.replace(/^RESET_REASON_/, '').toLowerCase();
}

export type {
  SyncRequest,
  SyncResponse,
} from '../../generated/switchboard/v1/connection_service.js';
export { UpstreamState } from '../../generated/switchboard/v1/common.js';
