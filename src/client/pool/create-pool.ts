import { APP_VIEW, userView, type ReaderView } from '../../domain/view.js';
import { createConnector } from '../../mcp/connector.js';
import { ClientError } from '../client-error.js';
import { createNodePolicy } from '../node-policy.js';
import { nodeEnvironment } from '../node-environment.js';
import type { PoolScope } from './connection.js';
import { CredentialStore } from './credential-store.js';
import { PoolCore } from './pool-core.js';
import { poolLimits, type PoolOptions } from './pool-options.js';
import { Scope } from './scope.js';
import { createStartup } from './startup.js';

/** For whom the hooks would answer differently now. */
export interface RenewOptions {
  /** Undefined: the shared connections. */
  readonly user?: string;
  /** Undefined: every server. */
  readonly serverId?: string;
}

/** The MCP connections of a node. */
export interface ConnectionPool {
  /** The application's own: servers of tier APP, without a user. */
  readonly app: PoolScope;
  /** A user's: keep it for a request or for longer, it costs nothing. */
  user(user: string, groups?: readonly string[]): PoolScope;
  /**
   * Says that hooks would answer differently now: the user signed in or out, or edited a
   * variable. Connections built from the old answers take no more calls, those in flight
   * go on, and the next `get` asks the hooks again.
   */
  renew(options: RenewOptions): void;
  /**
   * Closes everything. Calls in flight have `graceMs` (default 0), then fail with
   * POOL_CLOSED. Fulfilled when every session is ended and every process group is gone.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

/** Makes a pool that follows `options.view` from now on. */
export function createPool(options: PoolOptions): ConnectionPool {
  const { view } = options;
  const limits = poolLimits(options);
  const connector =
    options.connector ??
    createConnector(options.identity ?? { name: 'switchboard', version: '0.1.0' });
  const { userValues, secrets, env = nodeEnvironment(), policy = createNodePolicy() } = options;
  const core = new PoolCore({
    view,
    backoff: options.backoff ?? {},
    builder: {
      connector,
      credentials: new CredentialStore(options.credentials),
      sources: { env, ...(userValues && { userValues }), ...(secrets && { secrets }) },
      era: options.era ?? 'legacy',
      limits,
      policy,
      onEvent: options.onEvent,
      onOpened: options.onOpened,
    },
  });
  const { connectConcurrency } = limits;
  const scopeOf = (reader: ReaderView): Scope =>
    new Scope({ core, view, reader, connectConcurrency });
  const app = scopeOf(APP_VIEW);
  const startup = options.connectOnStartup === true ? createStartup(view, app) : undefined;
  const stopFollowing = view.onApplied((changedIds, names) => {
    core.follow(changedIds, names);
    void startup?.();
  });
  const stopFollowingPolicy = policy.onChanged(() => core.followPolicy());
  const sweeping = setInterval(() => {
    core.sweep();
    void startup?.();
  }, limits.sweepEveryMs).unref();
  void startup?.();

  let closing: Promise<void> | undefined;
  async function close(graceMs: number): Promise<void> {
    stopFollowing();
    stopFollowingPolicy();
    clearInterval(sweeping);
    const error = (): ClientError => new ClientError('POOL_CLOSED', undefined, { sent: true });
    await core.close({ afterMs: graceMs, error });
    await connector.close();
  }

  return {
    app,
    user: (user, groups) => scopeOf(userView(user, groups)),
    renew: ({ user, serverId }) => core.renew({ user, serverId }),
    close: async ({ graceMs = 0 } = {}) => {
      closing ??= close(graceMs);
      await closing;
    },
  };
}
