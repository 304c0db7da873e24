import type { ReaderView } from '../../domain/view.js';
import { ClientError } from '../client-error.js';
import { refusalBy } from '../node-policy.js';
import type { KnownServer } from '../server-view.js';
import type { HookRequest } from '../values/value-sources.js';
import type { BuildResult } from './connection-stock.js';
import type { GetOptions } from './connection.js';
import { identityOf, requestValuesOf } from './identity.js';
import type { PoolParts } from './pool-parts.js';
import { drainLimit, type PooledConnection } from './pooled-connection.js';
import { SharedAttempt } from './shared-attempt.js';
import { SHARED, Slot } from './slot.js';

/** How often a `get` begins anew because the view changed while it connected. */
const MAX_ATTEMPTS = 10;

interface FlightOptions extends GetOptions {
  readonly signal: AbortSignal;
}

/**
 * Lends connections, and makes those that are not there. What is lent is compared with the
 * view at the moment of lending, by server id and config hash. A connect that ends is
 * compared once more before it takes its place.
 */
export class Lender {
  readonly #parts: PoolParts;
  /** Connections of request scope that are being made. */
  readonly #opening = new Set<SharedAttempt<BuildResult>>();
  #closed = false;

  constructor(parts: PoolParts) {
    this.#parts = parts;
  }

  /** The enabled server of a name. Throws SERVER_UNKNOWN, SERVER_DISABLED or POOL_CLOSED. */
  resolve(name: string, view: ReaderView): KnownServer {
    if (this.#closed) throw new ClientError('POOL_CLOSED');
    const server = this.#parts.view.resolve(name, view);
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
      this.#parts.credentials.isCurrent(connection.origin)
    );
  }

  /** The connection that may be lent for `server` now, if there is one. */
  usable(slot: Slot | undefined, server: KnownServer): PooledConnection | undefined {
    const connection = slot?.current;
    return connection !== undefined && this.mayLend(connection, server) ? connection : undefined;
  }

  /** A connection to what `name` resolves to, made if there is none. Throws ClientError. */
  async get(name: string, view: ReaderView, options: GetOptions): Promise<PooledConnection> {
    for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts += 1) {
      const server = this.resolve(name, view);
      const slot = this.#parts.slots.obtain(server.id, identityOf(server, view, options));
      slot.noteViewer(view, server);
      const ready = this.usable(slot, server);
      if (ready !== undefined) return ready;
      this.#throwIfRefused(server);
      // The view may have changed when it is over: look again.
      await this.#connect(slot, server, options).join(options.signal);
    }
    throw changesTooFast(name);
  }

  /** A connection of request scope: made for this caller, in no slot. Throws ClientError. */
  async open(name: string, view: ReaderView, options: GetOptions): Promise<PooledConnection> {
    for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts += 1) {
      const server = this.resolve(name, view);
      this.#throwIfRefused(server);
      const user = view.kind === 'user' ? view.user : undefined;
      const slot = new Slot(server.id, user === undefined ? SHARED : { user }, {});
      slot.noteViewer(view, server);
      const built = await this.#open(slot, { server, user }, options);
      if (built !== 'outdated') return built;
    }
    throw changesTooFast(name);
  }

  /** Refuses everything from now on; who waits gets POOL_CLOSED. */
  close(): void {
    this.#closed = true;
    const error = new ClientError('POOL_CLOSED');
    this.#parts.slots.endFlights(() => true, error);
    for (const attempt of this.#opening) attempt.end(error);
  }

  /** Throws TRANSPORT_NOT_ALLOWED, before anything else is done to connect. */
  #throwIfRefused(server: KnownServer): void {
    const refusal = refusalBy(this.#parts.policy, server);
    if (refusal !== undefined) throw refusal;
  }

  async #open(
    slot: Slot,
    { server, user }: Omit<HookRequest, 'signal'>,
    options: GetOptions,
  ): Promise<BuildResult> {
    const requestValues = requestValuesOf(options);
    const attempt = new SharedAttempt<BuildResult>(
      async (signal) => this.#parts.stock.build(slot, { user, server, signal, requestValues }),
      () => undefined,
    );
    this.#opening.add(attempt);
    try {
      return await attempt.join(options.signal);
    } finally {
      this.#opening.delete(attempt);
    }
  }

  /** The connect of a slot for the server as it is now: the one under way, or a new one. */
  #connect(slot: Slot, server: KnownServer, options: GetOptions): SharedAttempt<void> {
    const { configHash } = server;
    if (slot.flight?.configHash === configHash) return slot.flight.attempt;
    slot.endFlight();
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
    const { credentials, limits, stock } = this.#parts;
    const { signal } = options;
    const request = { user: slot.identity.user, server, signal };
    await this.#throwIfTooEarly(slot, request);
    const { current } = slot;
    if (current?.state === 'live' && current.configHash === server.configHash) {
      await credentials.get(request);
      if (this.mayLend(current, server)) return;
      current.retire('credentials', drainLimit(limits));
    }
    try {
      const requestValues = requestValuesOf(options);
      const built = await stock.build(slot, { ...request, requestValues });
      if (built === 'outdated') return;
      slot.current = built;
      slot.backoff.succeeded();
    } catch (error) {
      throw signal.aborted ? error : slot.backoff.failed(error, server.configHash);
    }
  }

  /** Throws the last failure while it is too early for another connect. */
  async #throwIfTooEarly(slot: Slot, request: HookRequest): Promise<void> {
    const { credentials } = this.#parts;
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
    if (refusal.reason !== 'UNAUTHORIZED' || !credentials.canRenew) throw refusal;
    // Another revision than the refused one is worth a try at once.
    await credentials.get(request);
    if (credentials.isRejected(server.id, user)) throw refusal;
  }
}

function changesTooFast(name: string): ClientError {
  return new ClientError('CONNECT_FAILED', `${name}: its config keeps changing while it connects`);
}
