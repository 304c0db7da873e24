import type { ReaderView } from '../../domain/view.js';
import { isClientError, type ClientError } from '../client-error.js';
import type { KnownServer, ServerView } from '../server-view.js';
import type { BackoffOptions } from './backoff.js';
import type { BuilderOptions } from './connection-builder.js';
import { ConnectionStock } from './connection-stock.js';
import type { GetOptions } from './connection.js';
import { followPolicy } from './follow-policy.js';
import { followView } from './follow-view.js';
import { identityOf } from './identity.js';
import { Lender } from './lender.js';
import type { PoolParts } from './pool-parts.js';
import { drainLimit, type CallLimit, type PooledConnection } from './pooled-connection.js';
import { identityKey, SlotTable } from './slot.js';
import { sweep } from './sweep.js';
import {
  closeByName,
  closeConnections,
  idleForMs,
  isOwned,
  leaveView,
  renewConnections,
  type OwnedConnections,
} from './users-connections.js';

/** What the core is made of. */
export interface CoreOptions {
  readonly view: ServerView;
  readonly builder: BuilderOptions;
  readonly backoff: BackoffOptions;
}

/** The connections of a pool, and what may be done with them. */
export class PoolCore {
  readonly #parts: PoolParts;
  readonly #lender: Lender;

  constructor({ view, builder, backoff }: CoreOptions) {
    const { limits, credentials, policy } = builder;
    this.#parts = {
      view,
      limits,
      credentials,
      policy,
      slots: new SlotTable(backoff),
      stock: new ConnectionStock(view, builder),
    };
    this.#lender = new Lender(this.#parts);
  }

  /** The enabled server of a name. Throws SERVER_UNKNOWN, SERVER_DISABLED or POOL_CLOSED. */
  resolve(name: string, view: ReaderView): KnownServer {
    return this.#lender.resolve(name, view);
  }

  /** Whether a connection is alive, of the config that `server` has, and of its credentials. */
  mayLend(connection: PooledConnection, server: KnownServer): boolean {
    return this.#lender.mayLend(connection, server);
  }

  /** A connection to what `name` resolves to, made if there is none. Throws ClientError. */
  async get(name: string, view: ReaderView, options: GetOptions): Promise<PooledConnection> {
    return this.#lender.get(name, view, options);
  }

  /** A connection of request scope: made for this caller alone. Throws ClientError. */
  async open(name: string, view: ReaderView, options: GetOptions): Promise<PooledConnection> {
    return this.#lender.open(name, view, options);
  }

  /** What `get` would lend for `server` without connecting. */
  loaded(server: KnownServer, view: ReaderView, options: GetOptions): PooledConnection | undefined {
    if (server.scope === 'request') return undefined;
    if (server.scope === 'conversation' && options.conversationId === undefined) return undefined;
    const key = identityKey(identityOf(server, view, options));
    return this.#lender.usable(this.#parts.slots.get(server.id, key), server);
  }

  /** What `get` would lend for `server` to this view, in any conversation. */
  allLoaded(server: KnownServer, view: ReaderView): readonly PooledConnection[] {
    if (server.scope !== 'conversation') {
      const connection = this.loaded(server, view, {});
      return connection === undefined ? [] : [connection];
    }
    const found: PooledConnection[] = [];
    for (const slot of this.#parts.slots.of(server.id)) {
      const connection = isOwned(slot, ownedBy(view)) && this.#lender.usable(slot, server);
      if (connection) found.push(connection);
    }
    return found;
  }

  /** Whether what failed so may succeed with another connection: nothing was sent. */
  isWorthAnother(error: unknown): boolean {
    if (!isClientError(error) || error.sent) return false;
    if (error.reason === 'UNAUTHORIZED') return this.#parts.credentials.canRenew;
    return error.reason === 'CONNECTION_RETIRED' || error.reason === 'CONNECTION_LOST';
  }

  /** Says that the server refused a connection's credentials after it was connected. */
  unauthorized(connection: PooledConnection, error: ClientError): void {
    const { credentials, stock, limits } = this.#parts;
    const { user, credentialRevision } = connection.origin;
    if (!credentials.canRenew || connection.state !== 'live') return;
    credentials.reject(connection.serverId, user, credentialRevision);
    // Counts as a failed connect: without another revision there is no sense in one.
    stock.slotOf(connection)?.backoff.failed(error, connection.configHash);
    connection.retire('credentials', drainLimit(limits));
  }

  /** Follows an applied change of the view. Synchronous. */
  follow(changedIds: ReadonlySet<string> | undefined, names: ReadonlySet<string>): void {
    followView(this.#parts, changedIds, names);
  }

  /** Follows a change of the transport policy. Synchronous. */
  followPolicy(): void {
    followPolicy(this.#parts);
  }

  /** Says that hooks would answer differently now; see ConnectionPool.renew. */
  renew(meant: OwnedConnections): void {
    renewConnections(this.#parts, meant);
  }

  /** Closes what is a view's own, of one server or of all. Resolves with how many there were. */
  async disconnect(view: ReaderView, serverId?: string): Promise<number> {
    const meant = { ...ownedBy(view), serverId };
    return closeConnections(this.#parts, (slot) => isOwned(slot, meant));
  }

  /** Closes what is a view's own to a server that had this name when it was connected to. */
  async disconnectNamed(view: ReaderView, name: string): Promise<number> {
    return closeByName(this.#parts, ownedBy(view), name);
  }

  /** Says that nobody uses a view any more; see PoolScope.leave. */
  async leave(view: ReaderView, others: readonly ReaderView[]): Promise<number> {
    return leaveView(this.#parts, view, others);
  }

  /** See PoolScope.idleForMs. */
  idleForMs(view: ReaderView): number {
    return idleForMs(this.#parts, view);
  }

  /** Looks once at every connection: closes and probes those that are idle. */
  sweep(): void {
    sweep(this.#parts);
  }

  /** Refuses everything from now on, and retires all there is with `limit`. */
  async close(limit: CallLimit): Promise<void> {
    this.#lender.close();
    await this.#parts.stock.close(limit);
  }
}

/** The application's own are the shared ones, a user's are those of the user. */
function ownedBy(view: ReaderView): OwnedConnections {
  return { user: view.kind === 'user' ? view.user : undefined };
}
