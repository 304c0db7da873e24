import {
  type ClientReadableStream,
  type ServiceError,
  status,
  type StatusObject,
} from '@grpc/grpc-js';
import {
  ResetReason,
  type HeldServer,
  type View,
} from '../../../generated/switchboard/v1/common.js';
import {
  ServerEvent_Type,
  WatchServersRequest,
  type CommitEnd,
  type ServerEvent,
  type WatchServersResponse,
} from '../../../generated/switchboard/v1/registry_service.js';
import type { Server } from '../../../generated/switchboard/v1/server.js';
import { DEFAULT_TENANT } from '../../../src/domain/caller.js';
import { revisionOf, type Admin } from './grpc-admin.js';

/** How a stream ended; the code is 0 if it ended well. */
export type StreamEnd = StatusObject | ServiceError;

/** What a follower has seen on all its streams. */
export interface Seen {
  commits: number;
  heartbeats: number;
  unchanged: number;
  synced: number;
}

/**
 * A client of WatchServers as the manual describes it: it applies what it is told in one
 * step per commit, resumes from its last token, and writes down whatever breaks a promise.
 */
export interface Follower {
  readonly view: View;
  /** The view as it stands after the last commit or `synced`. */
  readonly servers: ReadonlyMap<string, Server>;
  /** The last token; empty before the first. */
  readonly token: string;
  /** The revision that the last token names. */
  readonly revision: number;
  readonly resets: readonly string[];
  /** What broke a promise, in words. */
  readonly faults: readonly string[];
  /** Revisions that a view of everything was not shown: right if they changed no server. */
  readonly skipped: readonly number[];
  readonly seen: Readonly<Seen>;
  /** Opens a stream, from the last token if there is one. */
  open(admin: Admin, held?: readonly HeldServer[]): void;
  /** The stream that is or was open. */
  readonly stream: ClientReadableStream<WatchServersResponse>;
  /** How the stream that was opened last ends. */
  readonly ended: Promise<StreamEnd>;
  /** Resolves once the condition holds, looked at after every message. */
  until(condition: () => boolean): Promise<void>;
  /** Resolves once the view stands at `revision` or beyond. */
  reached(revision: number): Promise<void>;
  /** Gives up the stream. */
  close(): void;
}

export interface FollowOptions {
  readonly tenant?: string;
  readonly token?: string;
  /** Whether there are commits that change no server. Default false: then a gap is a fault. */
  readonly maySkip?: boolean;
}

export function createFollower(view: View, options: FollowOptions = {}): Follower {
  const { tenant = DEFAULT_TENANT } = options;
  const state = createFollowerState(view, options);
  const wakers = new Set<() => void>();
  let stream: ClientReadableStream<WatchServersResponse> | undefined;
  let ended: Promise<StreamEnd> | undefined;
  const opened = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('no stream was opened');
    return value;
  };
  const follower: Follower = {
    view,
    get servers() {
      return state.servers;
    },
    get token() {
      return state.token;
    },
    get revision() {
      return state.token === '' ? 0 : revisionOf(state.token, tenant);
    },
    resets: state.resets,
    faults: state.faults,
    skipped: state.skipped,
    seen: state.seen,
    open(admin, held = []) {
      const resumeToken = state.token;
      state.begin();
      stream = admin.registry.watchServers(
        WatchServersRequest.fromPartial({ tenant, view, resumeToken, held: [...held] }),
      );
      ended = endOf(stream);
      stream.on('data', (message: WatchServersResponse) => {
        state.receive(message);
        for (const wake of wakers) wake();
      });
    },
    get stream() {
      return opened(stream);
    },
    get ended() {
      return opened(ended);
    },
    until: (condition) =>
      new Promise((resolve) => {
        const wake = (): void => {
          if (!condition()) return;
          wakers.delete(wake);
          resolve();
        };
        wakers.add(wake);
        wake();
      }),
    reached: (revision) =>
      follower.until(() => state.isComplete() && follower.revision >= revision),
    close: () => stream?.cancel(),
  };
  return follower;
}

/** Resolves with how a stream ends. */
export function endOf(stream: ClientReadableStream<unknown>): Promise<StreamEnd> {
  return new Promise((resolve) => {
    stream.on('error', resolve);
    stream.on('status', (end: StatusObject) => {
      if (end.code === status.OK) resolve(end);
    });
  });
}

/** What a follower makes of the messages that it is given; `begin` comes first. */
export function createFollowerState(
  view: View,
  { tenant = DEFAULT_TENANT, token = '', maySkip = false }: FollowOptions,
) {
  const isInventory = view.kind?.$case === 'inventory';
  const resets: string[] = [];
  const faults: string[] = [];
  const skipped: number[] = [];
  const seen: Seen = { commits: 0, heartbeats: 0, unchanged: 0, synced: 0 };
  let servers = new Map<string, Server>();
  let events: ServerEvent[] = [];
  /** A snapshot that is not complete yet; undefined while the view is followed. */
  let building: Map<string, Server> | undefined;
  let current = token;
  /** The token that the first `synced` of a resumed stream has to repeat. */
  let resuming = '';

  const fault = (what: string): void => void faults.push(`${what} at ${current}`);
  const revision = (of: string): number => (of === '' ? 0 : revisionOf(of, tenant));

  const move = (next: string, what: string, atLeast: number): void => {
    if (next === '') fault(`${what} without a token`);
    else if (revision(next) < revision(current) + atLeast) {
      fault(`${what} at ${String(revision(next))} after ${String(revision(current))}`);
    } else current = next;
  };

  const add = (into: Map<string, Server>, event: ServerEvent): void => {
    const server = event.server;
    if (server === undefined || server.id === '') fault('an event without a server');
    else if (event.type === ServerEvent_Type.TYPE_REMOVED) {
      if (!into.delete(server.id)) fault(`REMOVED ${server.id}, which the view did not have`);
      if (server.spec !== undefined) fault(`REMOVED ${server.id} with content`);
    } else if (event.type === ServerEvent_Type.TYPE_UNCHANGED) {
      seen.unchanged += 1;
      const held = servers.get(server.id);
      if (held === undefined) fault(`UNCHANGED ${server.id}, which is not held`);
      else into.set(server.id, held);
    } else into.set(server.id, server);
  };

  const checkEvent = ({ type, server }: ServerEvent): void => {
    const has = servers.has(server?.id ?? '');
    if (type === ServerEvent_Type.TYPE_ADDED && has) fault(`ADDED ${server?.id ?? ''} twice`);
    if (type === ServerEvent_Type.TYPE_MODIFIED && !has) {
      fault(`MODIFIED ${server?.id ?? ''}, which the view did not have`);
    }
  };

  const synced = (next: string): void => {
    seen.synced += 1;
    if (building === undefined) {
      if (next !== resuming)
        fault(`the first token of a resumed stream is ${next}, not ${resuming}`);
    } else {
      const snapshot = building;
      for (const event of events) add(snapshot, event);
      servers = snapshot;
      building = undefined;
      // A reset may lead back: the history is another one.
      current = next;
    }
    events = [];
    if (next === '') fault('synced without a token');
  };

  const commit = (next: string): void => {
    seen.commits += 1;
    if (building !== undefined) fault('a commit before the snapshot was complete');
    if (events.length === 0) fault('a commit that shows nothing');
    if (isInventory && maySkip) {
      for (let at = revision(current) + 1; at < revision(next); at += 1) skipped.push(at);
    } else if (isInventory && revision(next) !== revision(current) + 1) {
      fault(`revision ${String(revision(next))} after ${String(revision(current))}: a hole`);
    }
    const after = new Map(servers);
    for (const event of events) {
      checkEvent(event);
      add(after, event);
    }
    events = [];
    servers = after;
    move(next, 'a commit', 1);
  };

  const heartbeat = (next: string): void => {
    seen.heartbeats += 1;
    if (building !== undefined) {
      if (next !== '') fault('a bookmark before the snapshot was complete');
      return;
    }
    if (events.length > 0) fault('a heartbeat within a commit');
    move(next, 'a heartbeat', 0);
  };

  return {
    get servers() {
      return servers;
    },
    get token() {
      return current;
    },
    resets,
    faults,
    skipped,
    seen,
    isComplete: () => building === undefined && current !== '',
    begin: () => {
      events = [];
      building = current === '' ? new Map<string, Server>() : undefined;
      resuming = current;
    },
    receive: (response: WatchServersResponse): void => {
      const { message, closes } = response;
      if (closes !== undefined && message?.$case !== 'event') fault('a closing without an event');
      switch (message?.$case) {
        case 'event':
          events.push(message.value);
          break;
        case 'synced':
          synced(message.value.token);
          return;
        case 'commit':
          break;
        case 'heartbeat':
          heartbeat(message.value.token);
          return;
        case 'reset':
          resets.push(ResetReason[message.value.reason].replace('RESET_REASON_', ''));
          building = new Map();
          events = [];
          return;
        case undefined:
          fault('an empty message');
      }
      const end = endOfCommit(response);
      if (end !== undefined) commit(end.token);
    },
  };
}

/** What closes a commit in this message: in the last event, or by itself. */
export function endOfCommit({ message, closes }: WatchServersResponse): CommitEnd | undefined {
  return message?.$case === 'commit' ? message.value : closes;
}
