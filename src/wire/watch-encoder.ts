import type { Heartbeat } from '../../generated/switchboard/v1/common.js';
import { ResetReason } from '../../generated/switchboard/v1/common.js';
import * as message from '../../generated/switchboard/v1/registry_service.js';
import type { Cause, Commit, Position } from '../domain/commit.js';
import type { StoredServer } from '../domain/server.js';
import { encodeToken } from '../domain/token.js';
import type { View } from '../domain/view.js';
import { encodedRecord } from './encoded-record.js';
import { appended, asBuffer } from './frame.js';
import { toBareServerMessage, toServerMessage } from './server-codec.js';
import { toDuration } from './spec-codec.js';
import { UPSTREAM_STATES } from './view-codec.js';

/** Causes by their names in the domain. */
export const CAUSES = {
  CREATE: message.Cause.CAUSE_CREATE,
  UPDATE: message.Cause.CAUSE_UPDATE,
  DELETE: message.Cause.CAUSE_DELETE,
  UNDELETE: message.Cause.CAUSE_UNDELETE,
  ROLLBACK: message.Cause.CAUSE_ROLLBACK,
  APPLY: message.Cause.CAUSE_APPLY,
  FACTS: message.Cause.CAUSE_FACTS,
  ACCESS: message.Cause.CAUSE_ACCESS,
  PROMOTE: message.Cause.CAUSE_PROMOTE,
  DEMOTE: message.Cause.CAUSE_DEMOTE,
  LOAD: message.Cause.CAUSE_LOAD,
  INVALIDATE: message.Cause.CAUSE_INVALIDATE,
  PURGE: message.Cause.CAUSE_PURGE,
  RENAME_SOURCE: message.Cause.CAUSE_RENAME_SOURCE,
  REMOVE_SOURCE: message.Cause.CAUSE_REMOVE_SOURCE,
} as const satisfies Record<Cause, message.Cause>;

/** Reasons of a reset by their names in services. */
export const RESET_REASONS = {
  too_old: ResetReason.RESET_REASON_TOO_OLD,
  epoch_changed: ResetReason.RESET_REASON_EPOCH_CHANGED,
  history_differs: ResetReason.RESET_REASON_HISTORY_DIFFERS,
  view_differs: ResetReason.RESET_REASON_VIEW_DIFFERS,
  lagged: ResetReason.RESET_REASON_LAGGED,
} as const;

/** Types of an event by their names in services. */
export const EVENT_TYPES = {
  added: message.ServerEvent_Type.TYPE_ADDED,
  modified: message.ServerEvent_Type.TYPE_MODIFIED,
  removed: message.ServerEvent_Type.TYPE_REMOVED,
  unchanged: message.ServerEvent_Type.TYPE_UNCHANGED,
} as const;

/**
 * An event up to this size is copied for each view that has a closing of its own. To copy so
 * much costs less than to send a second message; a larger one would be in memory once for each
 * view, for as long as a slow reader leaves it there.
 */
const MAX_COPIED_BYTES = 16 * 1024;

interface BeatFacts {
  readonly bookmark: Position | undefined;
  readonly newest: Position;
  readonly upstream: { readonly state: keyof typeof UPSTREAM_STATES; readonly ageMs: number };
}

/** The messages of WatchServers in one tenant, encoded. */
export function createWatchEncoder(tenant: string) {
  return {
    event(
      type: keyof typeof EVENT_TYPES,
      { id, stored }: { readonly id: string; readonly stored?: StoredServer },
      cause?: Cause,
    ): Uint8Array {
      const make = (): Uint8Array => {
        const whole = stored !== undefined && (type === 'added' || type === 'modified');
        const server = whole
          ? toServerMessage(stored.record)
          : toBareServerMessage(id, stored?.record.name);
        const code = cause === undefined ? message.Cause.CAUSE_UNSPECIFIED : CAUSES[cause];
        return encode({ $case: 'event', value: { type: EVENT_TYPES[type], server, cause: code } });
      };
      const inSnapshot = type === 'added' && cause === undefined && stored !== undefined;
      return inSnapshot ? (encodedRecord(stored.record).snapshotEvent ??= make()) : make();
    },
    closed: (
      last: Uint8Array,
      { commit, position }: { readonly commit: Commit; readonly position: Position },
      view: View,
    ): readonly Uint8Array[] => {
      const end = toCommitEnd(commit, encodeToken(tenant, position, view));
      return last.byteLength > MAX_COPIED_BYTES
        ? [last, encode({ $case: 'commit', value: end })]
        : [appended(last, encode(undefined, end))];
    },
    synced: (position: Position, view: View): Uint8Array =>
      encode({ $case: 'synced', value: { token: encodeToken(tenant, position, view) } }),
    heartbeat: (facts: BeatFacts, view: View): Uint8Array =>
      encode({ $case: 'heartbeat', value: toHeartbeat(tenant, facts, view) }),
    reset: (reason: keyof typeof RESET_REASONS): Uint8Array =>
      encode({ $case: 'reset', value: { reason: RESET_REASONS[reason] } }),
  };
}

/** What closes a commit, in a frame of its own or in the last one of the commit. */
export function toCommitEnd(commit: Commit, token: string): message.CommitEnd {
  return { token, cause: CAUSES[commit.cause], commitTime: new Date(commit.time) };
}

/** A heartbeat; without a bookmark its token is empty. */
export function toHeartbeat(
  tenant: string,
  { bookmark, newest, upstream }: BeatFacts,
  view?: View,
): Heartbeat {
  return {
    token: bookmark === undefined ? '' : encodeToken(tenant, bookmark, view),
    newest: encodeToken(tenant, newest),
    upstreamState: UPSTREAM_STATES[upstream.state],
    degradedFor: upstream.state === 'degraded' ? toDuration(Math.round(upstream.ageMs)) : undefined,
  };
}

function encode(
  content: message.WatchServersResponse['message'],
  closes?: message.CommitEnd,
): Uint8Array {
  return asBuffer(message.WatchServersResponse.encode({ message: content, closes }).finish());
}
