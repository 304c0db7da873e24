import { viewKey, type ReaderView } from '../../domain/view.js';
import type { RequestOptions, ToolCall, ToolResult } from '../../mcp/mcp-connection.js';
import { ClientError, isClientError } from '../client-error.js';
import type { KnownServer } from '../server-view.js';
import { connectError } from './call-error.js';
import type {
  CallOptions,
  Connection,
  ConnectionOutcome,
  GetOptions,
  PoolScope,
} from './connection.js';
import { LentConnection } from './lent-connection.js';
import { mapLimited } from './map-limited.js';
import { identityOf } from './identity.js';
import type { PoolCore } from './pool-core.js';
import type { PooledConnection } from './pooled-connection.js';
import { throwIfCancelled } from '../until-aborted.js';
import { identityKey, lookUp, type Slot } from './slot.js';

/** A view's way into the pool. Holds nothing that must be closed. */
export class Scope implements PoolScope {
  readonly #core: PoolCore;
  readonly #view: ReaderView;
  /** What was lent last, by server id: the fast way of `get`. */
  readonly #lent = new Map<string, LentConnection>();

  constructor(core: PoolCore, view: ReaderView) {
    this.#core = core;
    this.#view = view;
  }

  has(name: string): boolean {
    return this.#core.view.resolve(name, this.#view)?.spec.enabled === true;
  }

  loaded(name: string, options: Pick<GetOptions, 'conversationId'> = {}): Connection | undefined {
    const server = this.#core.view.resolve(name, this.#view);
    if (server?.spec.enabled !== true || server.scope === 'request') return undefined;
    if (server.scope === 'conversation' && options.conversationId === undefined) return undefined;
    const key = identityKey(identityOf(server, this.#view, options));
    return this.#lendLive(this.#core.slots.get(server.id, key), server);
  }

  async get(name: string, options: GetOptions = {}): Promise<Connection> {
    return this.#warm(name, options) ?? (await this.#lend(name, options));
  }

  async getMany(
    names: readonly string[],
    options: GetOptions = {},
  ): Promise<readonly ConnectionOutcome[]> {
    return mapLimited(names, this.#core.limits.connectConcurrency, async (name) => {
      try {
        return { name, connection: await this.get(name, options) };
      } catch (error) {
        return { name, error: connectError(error, { name }) };
      }
    });
  }

  getLoaded(): readonly Connection[] {
    const { view, slots } = this.#core;
    return view.list(this.#view).flatMap((server) => {
      if (!server.spec.enabled) return [];
      const found: Connection[] = [];
      for (const slot of this.#ownAndShared(server, slots.of(server.id))) {
        const connection = this.#lendLive(slot, server);
        if (connection !== undefined) found.push(connection);
      }
      return found;
    });
  }

  async getAll(options: GetOptions = {}): Promise<readonly ConnectionOutcome[]> {
    const names = this.#core.view.list(this.#view).map((server) => server.name);
    return this.getMany(names, options);
  }

  async disconnect(name: string): Promise<number> {
    const id = this.#idOf(name);
    if (id !== undefined) return this.#disconnect((slot) => slot.serverId === id);
    return this.#disconnect((_slot, connection) => connection?.origin.server.name === name);
  }

  async disconnectAll(): Promise<number> {
    return this.#disconnect(() => true);
  }

  idleForMs(): number {
    const key = viewKey(this.#view);
    for (const slot of this.#core.slots.of()) {
      if (slot.flight !== undefined && slot.viewers.has(key)) return 0;
    }
    let usedAt = -Infinity;
    for (const [connection, slot] of this.#core.stock.all()) {
      if (!slot.viewers.has(key)) continue;
      if (connection.callsInFlight > 0) return 0;
      usedAt = Math.max(usedAt, connection.lastUsedAt);
    }
    return performance.now() - usedAt;
  }

  async leave(heirs: readonly ReaderView[] = []): Promise<number> {
    if (this.#view.kind === 'app') return 0;
    const key = viewKey(this.#view);
    for (const slot of this.#core.slots.of()) {
      if (!slot.viewers.delete(key)) continue;
      for (const heir of heirs) {
        // One that is not known yet keeps it, until it is.
        if (lookUp(this.#core.view, slot.serverId, heir) !== undefined) {
          slot.viewers.set(viewKey(heir), heir);
        }
      }
    }
    return this.#disconnect((slot) => !slot.isViewed(this.#core.view));
  }

  async call<T>(
    name: string,
    use: (connection: Connection) => Promise<T>,
    options: GetOptions = {},
  ): Promise<T> {
    for (let isFirst = true; ; isFirst = false) {
      const lent = await this.#lend(name, options);
      try {
        return await use(lent);
      } catch (error) {
        if (!isFirst || lent.mayHaveActed || !this.#isWorthAnother(error)) throw error;
      } finally {
        // In the background: who called waits for the answer, not for the end of a session.
        void lent.release();
      }
    }
  }

  async callTool(name: string, call: ToolCall, options: CallOptions = {}): Promise<ToolResult> {
    const { signal, timeoutMs, onProgress } = options;
    const own: RequestOptions = {
      ...(signal === undefined ? {} : { signal }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(onProgress === undefined ? {} : { onProgress }),
    };
    return this.call(name, async (connection) => connection.callTool(call, own), options);
  }

  /** What `get` lends without waiting. Throws CANCELLED. */
  #warm(name: string, options: GetOptions): LentConnection | undefined {
    throwIfCancelled(options.signal);
    const server = this.#core.view.resolve(name, this.#view);
    if (server === undefined) return undefined;
    const lent = this.#lent.get(server.id);
    if (lent === undefined) return undefined;
    const { pooled } = lent;
    if (server.spec.enabled && this.#core.mayLend(pooled, server)) return lent;
    this.#lent.delete(server.id);
    return undefined;
  }

  async #lend(name: string, options: GetOptions): Promise<LentConnection> {
    const warm = this.#warm(name, options);
    if (warm !== undefined) return new LentConnection(this.#core, warm.pooled, this.#view);
    const server = this.#core.resolve(name, this.#view);
    if (server.scope === 'request') {
      return new LentConnection(
        this.#core,
        await this.#core.open(name, this.#view, options),
        this.#view,
      );
    }
    const pooled = await this.#core.get(name, this.#view, options);
    const lent = new LentConnection(this.#core, pooled, this.#view);
    // One of a conversation is not the server's only one.
    if (lent.scope !== 'conversation') this.#lent.set(pooled.serverId, lent);
    return lent;
  }

  #lendLive(slot: Slot | undefined, server: KnownServer): Connection | undefined {
    const pooled = this.#core.usable(slot, server);
    return pooled && new LentConnection(this.#core, pooled, this.#view);
  }

  #isOwn(slot: Slot): boolean {
    return slot.identity.user === (this.#view.kind === 'user' ? this.#view.user : undefined);
  }

  #ownAndShared(server: KnownServer, slots: Iterable<Slot>): Iterable<Slot> {
    if (server.scope === 'conversation') return [...slots].filter((slot) => this.#isOwn(slot));
    if (server.scope === 'request') return [];
    const key = identityKey(identityOf(server, this.#view, {}));
    const slot = this.#core.slots.get(server.id, key);
    return slot === undefined ? [] : [slot];
  }

  /** The id that a name resolves to, as far as the view can say. */
  #idOf(name: string): string | undefined {
    try {
      return this.#core.view.resolve(name, this.#view)?.id;
    } catch (error) {
      if (isClientError(error, 'VIEW_UNKNOWN')) return undefined;
      throw error;
    }
  }

  async #disconnect(
    concerns: (slot: Slot, connection?: PooledConnection) => boolean,
  ): Promise<number> {
    const error = (): ClientError => new ClientError('DISCONNECTED', undefined, { sent: true });
    this.#core.endFlights(
      (slot) => this.#isOwn(slot) && concerns(slot),
      new ClientError('DISCONNECTED'),
    );
    const closing: Promise<void>[] = [];
    for (const [connection, slot] of this.#core.stock.all()) {
      if (!this.#isOwn(slot) || !concerns(slot, connection)) continue;
      connection.retire('disconnected', { afterMs: 0, error });
      closing.push(connection.whenClosed);
    }
    await Promise.all(closing);
    return closing.length;
  }

  #isWorthAnother(error: unknown): boolean {
    if (!isClientError(error) || error.sent) return false;
    if (error.reason === 'UNAUTHORIZED') return this.#core.credentials.canRenew;
    return error.reason === 'CONNECTION_RETIRED' || error.reason === 'CONNECTION_LOST';
  }
}
