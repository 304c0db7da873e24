import { viewKey, type ReaderView } from '../../domain/view.js';
import { ClientError } from '../client-error.js';
import type { KnownServer, ServerView } from '../server-view.js';
import type { HookRequest } from '../values/value-sources.js';
import type { BuilderOptions } from './connection-builder.js';
import { OutdatedError, ConnectionStock } from './connection-stock.js';
import type { GetOptions } from './connection.js';
import type { CredentialStore } from './credential-store.js';
import type { PoolLimits } from './pool-options.js';
import type { RetireCause } from './pool-event.js';
import type { CallLimit, PooledConnection } from './pooled-connection.js';
import { SharedAttempt } from './shared-attempt.js';
import { identityOf, requestValuesOf } from './identity.js';
import { isOfConfig, lookUp, SHARED, Slot, type Sighting, type SlotTable } from './slot.js';

/** How often a `get` begins anew because the view changed while it connected. */
const MAX_ATTEMPTS = 10;

/** What the core is made of. */
export interface CoreOptions {
  readonly view: ServerView;
  readonly builder: BuilderOptions;
  readonly slots: SlotTable;
}

/**
 * The connections of a pool, and the rules by which they follow the view.
 *
 * What is lent is compared with the view at the moment of lending, by server id and config
 * hash. `review` runs synchronously with every applied change: it retires what no longer
 * matches or has no longer the name, and ends connects that were begun for an older config. A connect that ends just
 * then is compared once more before it takes its place. So from the moment a change is
 * applied nothing older is lent.
 */
export class PoolCore {
  readonly view: ServerView;
  readonly limits: PoolLimits;
  readonly slots: SlotTable;
  readonly stock: ConnectionStock;
  readonly credentials: CredentialStore;
  readonly #opening = new Set<SharedAttempt<PooledConnection>>();
  #closed = false;

  constructor({ view, builder, slots }: CoreOptions) {
    this.view = view;
    this.limits = builder.limits;
    this.slots = slots;
    this.stock = new ConnectionStock(view, builder);
    this.credentials = builder.credentials;
  }

  /** The enabled server of a name. Throws SERVER_UNKNOWN, SERVER_DISABLED or POOL_CLOSED. */
  resolve(name: string, view: ReaderView): KnownServer {
    if (this.#closed) throw new ClientError('POOL_CLOSED');
    const server = this.view.resolve(name, view);
    if (server === undefined) {
      throw new ClientError('SERVER_UNKNOWN', `no server ${name} here`, { metadata: { name } });
    }
    if (!server.spec.enabled) {
      throw new ClientError('SERVER_DISABLED', `${name} is disabled`, { metadata: { name } });
    }
    return server;
  }

  /** Whether a connection is alive, of the config that `server` has, and of its credentials. */
  mayLend(connection: PooledConnection, server: KnownServer): boolean {
    return (
      connection.state === 'live' &&
      connection.configHash === server.configHash &&
      this.credentials.isCurrent(connection.origin)
    );
  }

  /** The connection that may be lent for `server` now, if there is one. */
  usable(slot: Slot | undefined, server: KnownServer): PooledConnection | undefined {
    const connection = slot?.current;
    return connection !== undefined && this.mayLend(connection, server) ? connection : undefined;
  }

  /** A connection to what `name` resolves to, made if there is none. Throws ClientError. */
  async get(name: string, view: ReaderView, options: GetOptions): Promise<PooledConnection> {
    return this.#untilCurrent(name, async () => {
      const server = this.resolve(name, view);
      const slot = this.slots.obtain(server.id, identityOf(server, view, options));
      noteViewer(slot, view, server);
      const ready = this.usable(slot, server);
      if (ready !== undefined) return ready;
      await this.#connect(slot, server, options).join(options.signal);
      // The view may have changed since: look again.
      throw new OutdatedError();
    });
  }

  /** A connection of request scope: made for this caller, in no slot. Throws ClientError. */
  async open(name: string, view: ReaderView, options: GetOptions): Promise<PooledConnection> {
    return this.#untilCurrent(name, async () => {
      const server = this.resolve(name, view);
      const user = view.kind === 'user' ? view.user : undefined;
      const slot = new Slot(server.id, user === undefined ? SHARED : { user }, {});
      noteViewer(slot, view, server);
      const requestValues = requestValuesOf(options);
      const attempt = new SharedAttempt<PooledConnection>(
        async (signal) => this.stock.build(slot, { user, server, signal, requestValues }),
        () => undefined,
      );
      this.#opening.add(attempt);
      try {
        return await attempt.join(options.signal);
      } finally {
        this.#opening.delete(attempt);
      }
    });
  }

  /**
   * Follows an applied change, see AppliedListener: of the given servers and those that may
   * be shadowed by them, or of all. Synchronous.
   */
  review(changedIds: ReadonlySet<string> | undefined, names: ReadonlySet<string>): void {
    const concerns = ({ serverId, identity, name }: Slot): boolean =>
      changedIds === undefined ||
      changedIds.has(serverId) ||
      (identity.user !== undefined && names.has(name));
    for (const slot of this.slots.of()) {
      if (slot.flight === undefined || !concerns(slot)) continue;
      const seen = slot.seen(this.view);
      const isCurrent = seen === 'unknown' || isOfConfig(seen, slot.flight.configHash);
      if (!isCurrent) endFlight(slot, new OutdatedError());
    }
    for (const [connection, slot] of this.stock.all()) {
      if (concerns(slot)) this.#reviewConnection(connection, slot);
    }
  }

  /** Says that the server refused a connection's credentials in the middle of its life. */
  unauthorized(connection: PooledConnection, error: ClientError): void {
    const { user, credentialRevision } = connection.origin;
    if (!this.credentials.canRenew || connection.state !== 'live') return;
    this.credentials.reject(connection.serverId, user, credentialRevision);
    // Counts as a failed connect: without another revision there is no sense in one.
    this.stock.slotOf(connection)?.backoff.failed(error, connection.configHash);
    connection.retire('credentials', this.drain());
  }

  /** Ends the connects of slots that `concerns`: who waits gets `error`, or begins anew without. */
  endFlights(concerns: (slot: Slot) => boolean, error?: ClientError): void {
    for (const slot of this.slots.of()) {
      if (concerns(slot)) endFlight(slot, error ?? new OutdatedError());
    }
  }

  /** The time that calls in flight have on a connection that is replaced. */
  drain(): CallLimit {
    return {
      afterMs: this.limits.drainMaxMs,
      error: () => new ClientError('DRAIN_TIMEOUT', undefined, { sent: true }),
    };
  }

  /** Refuses everything from now on, and retires all there is with `limit`. */
  async close(limit: CallLimit): Promise<void> {
    this.#closed = true;
    const error = new ClientError('POOL_CLOSED');
    this.endFlights(() => true, error);
    for (const attempt of this.#opening) attempt.end(error);
    await this.stock.close(limit);
  }

  /** Runs `attempt` until it is not outdated, a few times. */
  async #untilCurrent(
    name: string,
    attempt: () => Promise<PooledConnection>,
  ): Promise<PooledConnection> {
    for (let tries = 0; tries < MAX_ATTEMPTS; tries += 1) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof OutdatedError)) throw error;
      }
    }
    throw new ClientError('CONNECT_FAILED', `${name}: its config keeps changing while it connects`);
  }

  /** The connect of a slot for the server as it is now: the one under way, or a new one. */
  #connect(slot: Slot, server: KnownServer, options: GetOptions): SharedAttempt<void> {
    const { configHash } = server;
    if (slot.flight?.configHash === configHash) return slot.flight.attempt;
    endFlight(slot, new OutdatedError());
    const end = (): void => {
      if (slot.flight === flight) slot.flight = undefined;
    };
    const attempt = new SharedAttempt<void>(async (signal) => {
      try {
        await this.#fill(slot, server, { ...options, signal });
      } finally {
        end();
      }
    }, end);
    const flight = { configHash, attempt };
    slot.flight = flight;
    return attempt;
  }

  /** Puts a connection of the present credentials into the slot; what was there is retired. */
  async #fill(slot: Slot, server: KnownServer, options: FlightOptions): Promise<void> {
    const { signal } = options;
    const request = { user: slot.identity.user, server, signal };
    await this.#throwIfTooEarly(slot, request);
    const { current } = slot;
    if (current?.state === 'live' && current.configHash === server.configHash) {
      await this.credentials.get(request);
      if (this.mayLend(current, server)) return;
      current.retire('credentials', this.drain());
    }
    try {
      const requestValues = requestValuesOf(options);
      slot.current = await this.stock.build(slot, { ...request, requestValues });
      slot.backoff.succeeded();
    } catch (error) {
      throw signal.aborted ? error : slot.backoff.failed(error, server.configHash);
    }
  }

  /** Throws the last failure while it is too early for another connect. */
  async #throwIfTooEarly(slot: Slot, request: HookRequest): Promise<void> {
    const { server, user } = request;
    if (slot.current?.isLostYoung === true) {
      slot.current = undefined;
      const error = new ClientError(
        'CONNECT_FAILED',
        `${server.name}: lost right after connecting`,
      );
      throw slot.backoff.failed(error, server.configHash);
    }
    const refusal = slot.backoff.refusal(server.configHash);
    if (refusal === undefined) return;
    if (refusal.reason !== 'UNAUTHORIZED' || !this.credentials.canRenew) throw refusal;
    // Another revision than the refused one is worth a try at once.
    await this.credentials.get(request);
    if (this.credentials.isRejected(server.id, user)) throw refusal;
  }

  #reviewConnection(connection: PooledConnection, slot: Slot): void {
    const { view } = this;
    const revoked: CallLimit = {
      afterMs: this.limits.revokeGraceMs,
      error: () => new ClientError('ACCESS_REVOKED', undefined, { sent: true }),
    };
    connection.failCalls(
      revoked,
      (caller) => lookUp(view, connection.serverId, caller) === undefined,
    );
    if (connection.state !== 'live') return;
    const seen = slot.seen(view);
    if (seen === 'unknown' || isOfConfig(seen, connection.configHash)) return;
    connection.retire(causeOf(seen), this.drain());
  }
}

interface FlightOptions extends GetOptions {
  readonly signal: AbortSignal;
}

function endFlight(slot: Slot, error: Error): void {
  slot.flight?.attempt.end(error);
  slot.flight = undefined;
}

function causeOf(seen: Exclude<Sighting, 'unknown'>): RetireCause {
  if (seen === undefined) return 'revoked';
  if (seen === 'shadowed') return 'shadowed';
  return seen.spec.enabled ? 'config' : 'disabled';
}

function noteViewer(slot: Slot, view: ReaderView, { name }: KnownServer): void {
  slot.name = name;
  if (slot.identity.user !== undefined) slot.viewers.set(viewKey(view), view);
}
