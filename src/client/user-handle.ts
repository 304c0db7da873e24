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

/** A user's view, followed until it is released. */
export interface UserHandle extends ViewHandle, AsyncDisposable {
  /**
   * Says that this handle is no longer used. With the last one for this user and these
   * groups the view is forgotten, and those connections of the user are closed that no
   * other handle of the user may see. Twice is fine.
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
  const connections = pool.user(user, groups);
  const release = async (): Promise<void> => {
    let closing: Promise<unknown> = Promise.resolve();
    use.release((others) => {
      // The view is still known: afterwards it cannot say what a connection is for.
      closing = connections.leave(others);
    });
    await closing;
  };
  try {
    await untilAborted(use.synced, signal);
  } catch (error) {
    await release();
    throw error;
  }
  return {
    servers: lookup(view, reader),
    connections,
    release,
    [Symbol.asyncDispose]: release,
  };
}

export function lookup(view: NodeView, reader: ReaderView): ServerLookup {
  return { get: (name) => view.resolve(name, reader), list: () => view.list(reader) };
}
