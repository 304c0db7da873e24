import { hostname } from 'node:os';
import { credentials, Metadata, type ChannelCredentials } from '@grpc/grpc-js';
import { DEFAULT_TENANT } from '../domain/caller.js';
import { APP_VIEW, userView, type ReaderView } from '../domain/view.js';
import { createConnectionClient } from '../wire/clients.js';
import { ClientError } from './client-error.js';
import { NodeView, subscriptionIdOf } from './node-view.js';
import type { PoolScope } from './pool/connection.js';
import { createPool, type ConnectionPool } from './pool/create-pool.js';
import type { PoolOptions } from './pool/pool-options.js';
import { Reflector } from './reflector/reflector.js';
import type { RetryOptions } from './reflector/retry.js';
import type { KnownServer } from './server-view.js';
import type { StatusSource } from './status.js';
import { untilAborted } from './pool/shared-attempt.js';
import { UserSubscriptions } from './users.js';

/** PEM texts. Without `ca` the roots of the system are trusted. */
export interface TlsOptions {
  readonly ca?: Buffer;
  /** With `key`: what the client shows of itself. */
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** How to open a client. Only `target` is required. */
export interface SwitchboardOptions extends Omit<PoolOptions, 'view'> {
  /** Address of the control plane, such as `127.0.0.1:7070`. */
  readonly target: string;
  /** Default `default`. */
  readonly tenant?: string;
  /** Names this node; should stay the same over restarts. Default: the host name and process id. */
  readonly nodeId?: string;
  /** Describe this node to operators. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The bearer token, or what gives it; asked for each stream. */
  readonly token?: string | (() => string | Promise<string>);
  /** Default: none, as for a control plane on this machine. */
  readonly tls?: TlsOptions;
  /** Delays between tries to open the stream. */
  readonly retry?: Partial<RetryOptions>;
}

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
   * groups, the view is forgotten and its connections are closed. Twice is fine.
   */
  release(): Promise<void>;
}

/** A client of Switchboard: one per process. */
export interface Switchboard extends AsyncDisposable {
  readonly status: StatusSource;
  /** What the application may use without a user. */
  readonly app: ViewHandle;
  /**
   * Follows what a user may use; resolves when it is known. Groups are those that the user
   * has now: ask again when they change. Throws ClientError SUBSCRIPTION_REFUSED,
   * CLIENT_CLOSED; CANCELLED when `signal` aborts.
   */
  user(
    user: string,
    options?: { readonly groups?: readonly string[]; readonly signal?: AbortSignal },
  ): Promise<UserHandle>;
  /**
   * Resolves when the app's view is known. Rejects when `signal` aborts, or with
   * CLIENT_CLOSED.
   */
  ready(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Says that the hooks would answer differently now, see ConnectionPool. */
  renew: ConnectionPool['renew'];
  /** Closes connections, stream and channel. Calls in flight have `graceMs` (default 0). */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

/**
 * Opens a client and begins to follow. It does not wait: `ready` does. Without a control
 * plane to reach it keeps trying, and `status` says so.
 */
export function openSwitchboard(options: SwitchboardOptions): Switchboard {
  const client = createConnectionClient(options.target, channelCredentials(options.tls));
  const view = new NodeView();
  const feed = new Reflector({
    client,
    target: view,
    tenant: options.tenant ?? DEFAULT_TENANT,
    nodeId: options.nodeId ?? `${hostname()}-${String(process.pid)}`,
    labels: options.labels ?? {},
    metadata: () => bearerMetadata(options.token),
    ...(options.retry && { retry: options.retry }),
  });
  const appSynced = feed.subscribe(subscriptionIdOf(APP_VIEW), APP_VIEW);
  const pool = createPool({ ...options, view });
  const users = new UserSubscriptions(feed, view);

  async function close(graceMs = 0): Promise<void> {
    feed.close();
    try {
      await pool.close({ graceMs });
    } finally {
      client.close();
    }
  }

  return {
    status: feed.status,
    app: { servers: lookup(view, APP_VIEW), connections: pool.app },
    async user(user, { groups = [], signal } = {}) {
      const reader = userView(user, groups);
      await untilAborted(users.acquire(reader), signal).catch((error: unknown) => {
        users.release(reader);
        throw error;
      });
      const connections = pool.user(user, groups);
      let released = false;
      const release = async (): Promise<void> => {
        if (released) return;
        released = true;
        if (users.release(reader)) await connections.disconnectAll();
      };
      return {
        servers: lookup(view, reader),
        connections,
        release,
        [Symbol.asyncDispose]: release,
      };
    },
    ready: ({ signal } = {}) => untilAborted(appSynced, signal),
    renew: (what) => {
      pool.renew(what);
    },
    close: ({ graceMs } = {}) => close(graceMs),
    [Symbol.asyncDispose]: () => close(),
  };
}

function lookup(view: NodeView, reader: ReaderView): ServerLookup {
  return { get: (name) => view.resolve(name, reader), list: () => view.list(reader) };
}

function channelCredentials(tls: TlsOptions | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw new ClientError('VALUE_INVALID', 'tls.cert and tls.key belong together');
  }
  return credentials.createSsl(tls.ca ?? null, tls.key ?? null, tls.cert ?? null);
}

async function bearerMetadata(token: SwitchboardOptions['token']): Promise<Metadata> {
  const metadata = new Metadata();
  const text = typeof token === 'function' ? await token() : token;
  if (text !== undefined) metadata.set('authorization', `Bearer ${text}`);
  return metadata;
}
