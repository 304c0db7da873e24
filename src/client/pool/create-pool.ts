import { APP_VIEW, userView } from '../../domain/view.js';
import { createConnector } from '../../mcp/connector.js';
import { ClientError } from '../client-error.js';
import { nodeEnvironment } from '../node-environment.js';
import type { PoolScope } from './connection.js';
import { CredentialStore } from './credential-store.js';
import { PoolCore } from './pool-core.js';
import { poolLimits, type PoolOptions } from './pool-options.js';
import { Scope } from './scope.js';
import { SlotTable, type Slot } from './slot.js';
import { createStartup } from './startup.js';
import { sweep } from './sweep.js';

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
  const limits = poolLimits(options);
  const connector =
    options.connector ??
    createConnector(options.identity ?? { name: 'switchboard', version: '0.1.0' });
  const { userValues, secrets, env = nodeEnvironment() } = options;
  const core = new PoolCore({
    view: options.view,
    slots: new SlotTable(options.backoff ?? {}),
    builder: {
      connector,
      credentials: new CredentialStore(options.credentials),
      sources: { env, ...(userValues && { userValues }), ...(secrets && { secrets }) },
      era: options.era ?? 'legacy',
      limits,
      onEvent: options.onEvent,
      onOpened: options.onOpened,
    },
  });
  const app = new Scope(core, APP_VIEW);
  const startup = options.connectOnStartup === true ? createStartup(options.view, app) : undefined;
  const stopFollowing = options.view.onApplied((changedIds, names) => {
    core.review(changedIds, names);
    void startup?.();
  });
  const sweeping = setInterval(() => {
    sweep(core);
    void startup?.();
  }, limits.sweepEveryMs).unref();
  void startup?.();

  let closing: Promise<void> | undefined;
  async function close(graceMs: number): Promise<void> {
    stopFollowing();
    clearInterval(sweeping);
    const error = (): ClientError => new ClientError('POOL_CLOSED', undefined, { sent: true });
    await core.close({ afterMs: graceMs, error });
    await connector.close();
  }

  return {
    app,
    user: (user, groups) => new Scope(core, userView(user, groups)),
    renew: ({ user, serverId }) => renew(core, { user, serverId }),
    close: async ({ graceMs = 0 } = {}) => {
      closing ??= close(graceMs);
      await closing;
    },
  };
}

function renew(
  core: PoolCore,
  { user, serverId }: { user: string | undefined; serverId: string | undefined },
): void {
  const isMeant = (slot: Slot): boolean =>
    slot.identity.user === user && (serverId === undefined || slot.serverId === serverId);
  for (const slot of core.slots.of(serverId)) if (isMeant(slot)) slot.backoff.clear();
  core.credentials.forget(serverId, user);
  core.endFlights(isMeant);
  for (const [connection, slot] of core.stock.all()) {
    if (isMeant(slot) && connection.state === 'live') connection.retire('renewed', core.drain());
  }
}
