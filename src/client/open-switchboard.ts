import { hostname } from 'node:os';
import { ChannelCredentials, Metadata } from '@grpc/grpc-js';
import { DEFAULT_TENANT } from '../domain/caller.js';
import type { TransportPolicy } from '../domain/transport-policy.js';
import { APP_VIEW } from '../domain/view.js';
import { createFactsClient } from '../wire/client/facts-client.js';
import { createSyncClient } from '../wire/client/sync-client.js';
import { ClientError } from './client-error.js';
import { createFactsReporter } from './facts-reporter.js';
import { NodeView, subscriptionIdOf } from './node-view.js';
import { createNodePolicy } from './node-policy.js';
import { createPool, type ConnectionPool } from './pool/create-pool.js';
import type { PoolOptions } from './pool/pool-options.js';
import { Reflector } from './reflector/reflector.js';
import type { RetryOptions } from './reflector/retry.js';
import type { StatusSource } from './status.js';
import type { SyncEventListener } from './sync-event.js';
import { untilAborted } from './until-aborted.js';
import {
  lookup,
  openUserHandle,
  type UserHandle,
  type UserOptions,
  type ViewHandle,
} from './user-handle.js';
import { UserSubscriptions } from './users.js';

/** PEM texts. Without `ca` the roots of the system are trusted. */
export interface TlsOptions {
  readonly ca?: Buffer;
  /** With `key`: what the client shows of itself. */
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** How to open a client. Only `target` is required. */
export interface SwitchboardOptions extends Omit<PoolOptions, 'view' | 'policy' | 'onOpened'> {
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
  /**
   * Milliseconds that a user's view is still followed, and its connections are kept, after its
   * last handle was released. Default 60,000; 0: both end at once.
   */
  readonly userIdleMs?: number;
  /**
   * Narrows where PRIVATE servers may be on this node: both this and the policy of the control
   * plane have to allow a connect. What is left out is as the control plane has it.
   */
  readonly transportPolicy?: Partial<TransportPolicy>;
  /** Delays between tries to open the stream. */
  readonly retry?: Partial<RetryOptions>;
  /** Told of the stream that is followed, and of every step of the view. `onEvent`: of connections. */
  readonly onSync?: SyncEventListener;
  /**
   * Whether what servers say of themselves on connecting is told to the control plane, where
   * nobody told it yet and nothing of a user is in it. Needs the role `node`. Default true.
   */
  readonly reportFacts?: boolean;
}

/** A client of Switchboard: one per process. */
export interface Switchboard extends AsyncDisposable {
  readonly status: StatusSource;
  /** What the application may use without a user. */
  readonly app: ViewHandle;
  /**
   * Follows what a user may use; resolves when it is known. Groups are those that the user
   * has now: ask again when they change. Throws ClientError SUBSCRIPTION_REFUSED, its cause
   * being that of the control plane (such as a private source that is down); CLIENT_CLOSED;
   * CANCELLED when `signal` aborts. While the stream is still being opened, what may pass is
   * waited out and not thrown: a deadline is for the signal.
   */
  user(user: string, options?: UserOptions): Promise<UserHandle>;
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

const USER_IDLE_MS = 60_000;

/** A connection that nobody else in the process uses can be given up without harm. */
const OWN_CONNECTION = { 'grpc.use_local_subchannel_pool': 1 };

/**
 * Opens a client and begins to follow. It does not wait: `ready` does. Without a control
 * plane to reach it keeps trying, and `status` says so.
 */
export function openSwitchboard(options: SwitchboardOptions): Switchboard {
  const credentials = channelCredentials(options.tls);
  const view = new NodeView();
  const policy = createNodePolicy(options.transportPolicy);
  const common = {
    tenant: options.tenant ?? DEFAULT_TENANT,
    nodeId: options.nodeId ?? `${hostname()}-${String(process.pid)}`,
    metadata: () => bearerMetadata(options.token),
    onSync: options.onSync,
  };
  const feed = new Reflector({
    ...common,
    connect: () => createSyncClient(options.target, credentials, OWN_CONNECTION),
    target: view,
    onPolicy: policy.follow,
    labels: options.labels ?? {},
    ...(options.retry && { retry: options.retry }),
  });
  const reporter = createFactsReporter({
    ...common,
    connect: () => createFactsClient(options.target, credentials, OWN_CONNECTION),
  });
  const appSynced = feed.subscribe(subscriptionIdOf(APP_VIEW), APP_VIEW);
  const onOpened = options.reportFacts === false ? undefined : reporter.offer;
  const pool = createPool({ ...options, view, policy, ...(onOpened && { onOpened }) });
  const users = new UserSubscriptions({
    feed,
    view,
    connectionsOf: ({ user, groups }) => pool.user(user, groups),
    idleMs: options.userIdleMs ?? USER_IDLE_MS,
  });

  function throwIfClosed(): void {
    if (feed.status.current.state === 'CLOSED') throw new ClientError('CLIENT_CLOSED');
  }

  async function close(graceMs = 0): Promise<void> {
    users.close();
    feed.close();
    reporter.close();
    await pool.close({ graceMs });
  }

  return {
    status: feed.status,
    app: { servers: lookup(view, APP_VIEW), connections: pool.app },
    async user(user, wanted = {}) {
      throwIfClosed();
      return openUserHandle({ view, pool, users }, user, wanted);
    },
    async ready({ signal } = {}) {
      throwIfClosed();
      await untilAborted(appSynced, signal);
    },
    renew: (what) => {
      pool.renew(what);
    },
    close: ({ graceMs } = {}) => close(graceMs),
    [Symbol.asyncDispose]: () => close(),
  };
}

function channelCredentials(tls: TlsOptions | undefined): ChannelCredentials {
  if (tls === undefined) return ChannelCredentials.createInsecure();
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw new ClientError('VALUE_INVALID', 'tls.cert and tls.key belong together');
  }
  return ChannelCredentials.createSsl(tls.ca ?? null, tls.key ?? null, tls.cert ?? null);
}

async function bearerMetadata(token: SwitchboardOptions['token']): Promise<Metadata> {
  const metadata = new Metadata();
  const text = typeof token === 'function' ? await token() : token;
  if (text !== undefined) metadata.set('authorization', `Bearer ${text}`);
  return metadata;
}
