import type * as message from '../../generated/switchboard/v1/registry_service.js';
import type { ReportedServer } from '../domain/server.js';
import { fromResetReason } from './feed-codec.js';
import { keyOf } from './key-of.js';
import { fromReportedMessage } from './server-codec.js';
import { EVENT_TYPES } from './watch-encoder.js';

/** What a watch says of one server. */
export interface WatchEvent {
  readonly kind: 'event';
  /** Undefined for a type that this version does not know. */
  readonly type: keyof typeof EVENT_TYPES | undefined;
  readonly id: string;
  /** Empty where the reader may not know it. */
  readonly name: string;
  /** The whole server; undefined where the id says enough. */
  readonly server: ReportedServer | undefined;
}

/** What one message of a watch says; `kind` is undefined for what this version does not know. */
export type WatchContent =
  | WatchEvent
  | { readonly kind: 'synced' | 'commit' }
  | { readonly kind: 'heartbeat'; readonly token: string }
  | { readonly kind: 'reset'; readonly reason: string }
  | { readonly kind: undefined };

/** One message of a watch. */
export interface WatchMessage {
  readonly content: WatchContent;
  /** With the last message of a snapshot or of a commit: the token to go on from. */
  readonly closingToken: string | undefined;
}

/** Reads a message of a watch. Throws INVALID_FIELD if it is none. */
export function fromWatchMessage(frame: message.WatchServersResponse): WatchMessage {
  const { message: content, closes } = frame;
  const ends = content?.$case === 'synced' || content?.$case === 'commit';
  return {
    content: fromContent(content),
    closingToken: closes?.token ?? (ends ? content.value.token : undefined),
  };
}

function fromContent(content: message.WatchServersResponse['message']): WatchContent {
  switch (content?.$case) {
    case 'event':
      return fromEvent(content.value);
    case 'synced':
    case 'commit':
      return { kind: content.$case };
    case 'heartbeat':
      return { kind: 'heartbeat', token: content.value.token };
    case 'reset':
      return { kind: 'reset', reason: fromResetReason(content.value.reason) };
    case undefined:
      return { kind: undefined };
  }
}

function fromEvent({ type, server }: message.ServerEvent): WatchEvent {
  return {
    kind: 'event',
    type: keyOf(EVENT_TYPES, type),
    id: server?.id ?? '',
    name: server?.name ?? '',
    server: server?.spec === undefined ? undefined : fromReportedMessage(server),
  };
}
