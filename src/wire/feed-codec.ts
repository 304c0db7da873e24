import type * as message from '../../generated/switchboard/v1/connection_service.js';
import { ResetReason } from '../../generated/switchboard/v1/common.js';
import { fromServerMessage, type DecodedServer } from './server-codec.js';

/** How one subscription sees a PRIVATE record. */
interface DecodedSight {
  readonly subscriptionId: string;
  readonly owned: boolean;
  readonly grantRevision: number;
}

export type DecodedChange =
  | {
      readonly kind: 'upsert';
      readonly server: DecodedServer;
      readonly sights: readonly DecodedSight[];
    }
  | { readonly kind: 'unchanged'; readonly id: string; readonly sights: readonly DecodedSight[] }
  | { readonly kind: 'removed'; readonly id: string };

/** Reads a change that the server sent; undefined for a kind that this client does not know. */
export function fromRecordChange({
  change,
  sights,
}: message.RecordChange): DecodedChange | undefined {
  const seen = sights.map(({ subscriptionId, owned, grantOrder }) => ({
    subscriptionId,
    owned,
    grantRevision: grantOrder,
  }));
  switch (change?.$case) {
    case 'upsert':
      return {
        kind: 'upsert',
        server: Object.freeze(fromServerMessage(change.value)),
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
