import type { Position } from '../../../src/domain/commit.js';
import type { ErrorReason } from '../../../src/domain/errors.js';
import type { Tier } from '../../../src/domain/tier.js';
import { encodeToken } from '../../../src/domain/token.js';
import type { View } from '../../../src/domain/view.js';
import type { SessionEncoder } from '../../../src/services/watch/session-deps.js';
import type { HeartbeatFacts, ResetReason } from '../../../src/services/watch/audience.js';
import type { SubscriptionSight } from '../../../src/domain/node-stream.js';
import type { NodeChange } from '../../../src/services/watch/node-audience.js';
import type { EventType, WatchEncoder } from '../../../src/services/watch/resolved-audience.js';

/** A place that a frame names, as a revision and as the token that a client would keep. */
export interface PlaceFrame {
  readonly revision: number;
  readonly token: string;
}

export interface HeartbeatFrame {
  readonly kind: 'heartbeat';
  /** Absent while a snapshot is under way. */
  readonly bookmark?: PlaceFrame;
  readonly newest: number;
  readonly upstream: 'following' | 'degraded';
}

interface CommonFrames {
  readonly closing: { readonly kind: 'closing' } & PlaceFrame;
  readonly heartbeat: HeartbeatFrame;
  readonly reset: { readonly kind: 'reset'; readonly reason: ResetReason };
}

export interface EventFrame {
  readonly kind: 'event';
  readonly type: EventType;
  readonly id: string;
  /** The revision of the content, where there is content. */
  readonly version?: number;
  readonly cause?: string;
}

/** What WatchServers tells, as plain objects. */
export type WatchFrame =
  EventFrame | ({ readonly kind: 'synced' } & PlaceFrame) | CommonFrames[keyof CommonFrames];

export type RecordFrame =
  | {
      readonly kind: 'upsert';
      readonly id: string;
      readonly name: string;
      readonly tier: Tier;
      readonly version: number;
      readonly sights: readonly SubscriptionSight[];
    }
  | {
      readonly kind: 'unchanged';
      readonly id: string;
      readonly sights: readonly SubscriptionSight[];
    }
  | { readonly kind: 'removed'; readonly id: string };

/** What Sync tells, as plain objects. */
export type SyncFrame =
  | { readonly kind: 'changes'; readonly changes: readonly RecordFrame[] }
  | ({
      readonly kind: 'synced';
      readonly subscriptions: readonly { readonly id: string; readonly digest: string }[];
    } & PlaceFrame)
  | { readonly kind: 'welcome'; readonly resumed: boolean }
  | { readonly kind: 'refused'; readonly id: string; readonly reason: ErrorReason }
  | CommonFrames[keyof CommonFrames];

/** Encodes WatchServers as JSON. */
export function watchEncoder(tenant: string): WatchEncoder {
  const place = placesOf(tenant);
  return {
    event: (type, { id, stored }, cause) => {
      const hasContent = type === 'added' || type === 'modified';
      const version = hasContent ? stored?.record.revision : undefined;
      return bytes<WatchFrame>({
        kind: 'event',
        type,
        id,
        ...(version === undefined ? {} : { version }),
        ...(cause === undefined ? {} : { cause }),
      });
    },
    // Every third commit is closed by a frame of its own, so that readers meet both forms.
    closed: (last, { position }, view) =>
      position.revision % 3 === 0
        ? [last, bytes<WatchFrame>({ kind: 'closing', ...place(position, view) })]
        : [withClosing(last, bytes(place(position, view)))],
    synced: (position, view) => bytes<WatchFrame>({ kind: 'synced', ...place(position, view) }),
    heartbeat: (facts, view) => bytes<WatchFrame>(heartbeatOf(facts, (at) => place(at, view))),
    reset: (reason) => bytes<WatchFrame>({ kind: 'reset', reason }),
  };
}

/** Encodes Sync as JSON. */
export function syncEncoder(tenant: string): SessionEncoder {
  const place = placesOf(tenant);
  return {
    changes: (changes) =>
      bytes<SyncFrame>({ kind: 'changes', changes: changes.map(recordFrameOf) }),
    closing: ({ position }) => bytes(place(position)),
    closed: withClosing,
    synced: (position, subscriptions) =>
      bytes<SyncFrame>({
        kind: 'synced',
        ...place(position),
        subscriptions,
      }),
    heartbeat: (facts) => bytes<SyncFrame>(heartbeatOf(facts, place)),
    reset: (reason) => bytes<SyncFrame>({ kind: 'reset', reason }),
    welcome: ({ resumed }) => bytes<SyncFrame>({ kind: 'welcome', resumed }),
    refused: (id, { reason }) => bytes<SyncFrame>({ kind: 'refused', id, reason }),
  };
}

type PlaceOf = (position: Position, view?: View) => PlaceFrame;

function placesOf(tenant: string): PlaceOf {
  return (position, view) => ({
    revision: position.revision,
    token: encodeToken(tenant, position, view),
  });
}

function heartbeatOf(
  { bookmark, newest, upstream }: HeartbeatFacts,
  place: PlaceOf,
): HeartbeatFrame {
  return {
    kind: 'heartbeat',
    ...(bookmark === undefined ? {} : { bookmark: place(bookmark) }),
    newest: newest.revision,
    upstream: upstream.state,
  };
}

function recordFrameOf(change: NodeChange): RecordFrame {
  if (change.kind !== 'upsert') return change;
  const { id, name, tier, revision } = change.server.record;
  return { kind: 'upsert', id, name, tier, version: revision, sights: change.sights };
}

/** A frame that is also the frame `closing` of a place; `decodeFrames` takes the two apart. */
function withClosing(last: Uint8Array, closing: Uint8Array): Uint8Array {
  return bytes({ ...parsed(last), closes: parsed(closing) });
}

function parsed(frame: Uint8Array): object {
  return JSON.parse(Buffer.from(frame).toString()) as object;
}

function bytes<T>(frame: T): Uint8Array {
  return Buffer.from(JSON.stringify(frame));
}
