import { userView, type ReaderView } from '../domain/view.js';
import type { NodeView } from './node-view.js';
import type { PoolScope } from './pool/connection.js';
import type { ConnectionPool } from './pool/create-pool.js';
import { throwIfCancelled, untilAborted } from './until-aborted.js';
import type { KnownServer } from './server-view.js';
import type { UserSubscriptions } from './users.js';

/** The servers of one view, from memory: no call does I/O. */
export interface ServerLookup {
  /** The server that the name resolves to; undefined if there is none. Throws VIEW_UNKNOWN. */
  get(name: string): KnownServer | undefined;
  /** All servers that `get` finds, ordered by name. Throws VIEW_UNKNOWN. */
  list(): readonly KnownServer[];
}

/** One view of the node: its servers, and connections to them. */
export interface ViewHandle {
  readonly servers: ServerLookup;
  readonly connections: PoolScope;
}

/** A user's view, followed until it is released and was idle. */
export interface UserHandle extends ViewHandle, AsyncDisposable {
  /**
   * Says that this handle is no longer used; it may throw VIEW_UNKNOWN from now on. Twice is
   * fine.
   *
   * With the last one for this user and these groups the view is idle. Idle for `userIdleMs`,
   * it is forgotten, and those connections of the user are closed that no other handle of the
   * user may see; a new handle within that time finds view and connections as they were. The
   * time counts from the end of the last call of the user. An idle view is forgotten at once
   * as soon as another view of the user, with other groups, is in use and known; and earlier
   * if the control plane allows no more subscriptions.
   *
   * Resolves at once, and does not wait for that time. Where the view is forgotten at once,
   * also with `userIdleMs` 0, calls in flight on the connections that are closed fail with
   * DISCONNECTED, and it resolves when they are closed.
   */
  release(): Promise<void>;
}

/** Which view of a user is asked for. */
export interface UserOptions {
  /** Those that the user has now. Default none. */
  readonly groups?: readonly string[];
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

/** What a handle works on. */
export interface HandleParts {
  readonly view: NodeView;
  readonly pool: ConnectionPool;
  readonly users: UserSubscriptions;
}

/** Follows a user's view until the handle is released; resolves when it is known. */
export async function openUserHandle(
  { view, pool, users }: HandleParts,
  user: string,
  { groups = [], signal }: UserOptions,
): Promise<UserHandle> {
  throwIfCancelled(signal);
  const reader = userView(user, groups);
  const use = users.acquire(reader);
  const release = (): Promise<void> => use.release();
  try {
    await untilAborted(use.synced, signal);
  } catch (error) {
    await release();
    throw error;
  }
  return {
    servers: lookup(view, reader),
    connections: pool.user(user, groups),
    release,
    [Symbol.asyncDispose]: release,
  };
}

export function lookup(view: NodeView, reader: ReaderView): ServerLookup {
  return { get: (name) => view.resolve(name, reader), list: () => view.list(reader) };
}
