import type { ReaderView } from '../../domain/view.js';
import type { RequestOptions, ToolCall, ToolResult } from '../../mcp/mcp-connection.js';
import { isClientError } from '../client-error.js';
import type { ServerView } from '../server-view.js';
import { throwIfCancelled } from '../until-aborted.js';
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
import type { PoolCore } from './pool-core.js';
import type { PooledConnection } from './pooled-connection.js';

/** What a scope is made of. */
export interface ScopeOptions {
  readonly core: PoolCore;
  /** What the node knows. */
  readonly view: ServerView;
  /** As whom the scope looks at it. */
  readonly reader: ReaderView;
  readonly connectConcurrency: number;
}

/** A view's way into the pool. Holds nothing that must be closed. */
export class Scope implements PoolScope {
  readonly #options: ScopeOptions;
  readonly #core: PoolCore;
  readonly #view: ServerView;
  readonly #reader: ReaderView;
  /** What was lent last, by server id: the fast way of `get`. */
  readonly #lent = new Map<string, LentConnection>();

  constructor(options: ScopeOptions) {
    this.#options = options;
    this.#core = options.core;
    this.#view = options.view;
    this.#reader = options.reader;
  }

  has(name: string): boolean {
    return this.#view.resolve(name, this.#reader)?.spec.enabled === true;
  }

  loaded(name: string, options: Pick<GetOptions, 'conversationId'> = {}): Connection | undefined {
    const server = this.#view.resolve(name, this.#reader);
    if (server?.spec.enabled !== true) return undefined;
    const pooled = this.#core.loaded(server, this.#reader, options);
    return pooled && this.#lendOf(pooled);
  }

  async get(name: string, options: GetOptions = {}): Promise<Connection> {
    return this.#warm(name, options) ?? (await this.#lend(name, options));
  }

  async getMany(
    names: readonly string[],
    options: GetOptions = {},
  ): Promise<readonly ConnectionOutcome[]> {
    return mapLimited(names, this.#options.connectConcurrency, async (name) => {
      try {
        return { name, connection: await this.get(name, options) };
      } catch (error) {
        return { name, error: connectError(error, { name }) };
      }
    });
  }

  getLoaded(): readonly Connection[] {
    const enabled = this.#view.list(this.#reader).filter((server) => server.spec.enabled);
    return enabled.flatMap((server) =>
      this.#core.allLoaded(server, this.#reader).map((pooled) => this.#lendOf(pooled)),
    );
  }

  async getAll(options: GetOptions = {}): Promise<readonly ConnectionOutcome[]> {
    const names = this.#view.list(this.#reader).map((server) => server.name);
    return this.getMany(names, options);
  }

  async disconnect(name: string): Promise<number> {
    const id = this.#idOf(name);
    if (id !== undefined) return this.#core.disconnect(this.#reader, id);
    return this.#core.disconnectNamed(this.#reader, name);
  }

  async disconnectAll(): Promise<number> {
    return this.#core.disconnect(this.#reader);
  }

  idleForMs(): number {
    return this.#core.idleForMs(this.#reader);
  }

  async leave(others: readonly ReaderView[] = []): Promise<number> {
    return this.#core.leave(this.#reader, others);
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
        if (!isFirst || lent.mayHaveActed || !this.#core.isWorthAnother(error)) throw error;
      } finally {
        // In the background: who called waits for the answer, not for the end of a session.
        void lent.release();
      }
    }
  }

  async callTool(name: string, call: ToolCall, options: CallOptions = {}): Promise<ToolResult> {
    const { signal, timeoutMs, totalTimeoutMs, onProgress } = options;
    const own: RequestOptions = {
      ...(signal === undefined ? {} : { signal }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(totalTimeoutMs === undefined ? {} : { totalTimeoutMs }),
      ...(onProgress === undefined ? {} : { onProgress }),
    };
    return this.call(name, async (connection) => connection.callTool(call, own), options);
  }

  /** What `get` lends without waiting. Throws CANCELLED. */
  #warm(name: string, options: GetOptions): LentConnection | undefined {
    throwIfCancelled(options.signal);
    const server = this.#view.resolve(name, this.#reader);
    if (server === undefined) return undefined;
    const lent = this.#lent.get(server.id);
    if (lent === undefined) return undefined;
    if (server.spec.enabled && this.#core.mayLend(lent.pooled, server)) return lent;
    this.#lent.delete(server.id);
    return undefined;
  }

  async #lend(name: string, options: GetOptions): Promise<LentConnection> {
    const warm = this.#warm(name, options);
    if (warm !== undefined) return this.#lendOf(warm.pooled);
    const server = this.#core.resolve(name, this.#reader);
    if (server.scope === 'request') {
      return this.#lendOf(await this.#core.open(name, this.#reader, options));
    }
    const lent = this.#lendOf(await this.#core.get(name, this.#reader, options));
    // One of a conversation is not the server's only one.
    if (lent.scope !== 'conversation') this.#lent.set(lent.serverId, lent);
    return lent;
  }

  #lendOf(pooled: PooledConnection): LentConnection {
    return new LentConnection(pooled, this.#options);
  }

  /** The id that a name resolves to, as far as the view can say. */
  #idOf(name: string): string | undefined {
    try {
      return this.#view.resolve(name, this.#reader)?.id;
    } catch (error) {
      if (isClientError(error, 'VIEW_UNKNOWN')) return undefined;
      throw error;
    }
  }
}
