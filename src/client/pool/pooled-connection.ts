import type { ReaderView } from '../../domain/view.js';
import type { McpConnection, RequestOptions } from '../../mcp/mcp-connection.js';
import { ClientError } from '../client-error.js';
import type { KnownServer } from '../server-view.js';
import { YOUNG_MS } from './backoff.js';
import { callError } from './call-error.js';
import {
  emitEvent,
  type ConnectionSubject,
  type PoolEventListener,
  type RetireCause,
} from './pool-event.js';
import type { PoolLimits } from './pool-options.js';
import { cancelled, throwIfCancelled } from '../until-aborted.js';

/** Who has calls on a connection: the view by which its caller sees the server. */
interface Call {
  readonly view: ReaderView;
  readonly stop: AbortController;
}

/** With what, and when, calls in flight are failed. */
export interface CallLimit {
  readonly afterMs: number;
  readonly error: () => ClientError;
}

/** The time that calls in flight have on a connection that is replaced. */
export function drainLimit({ drainMaxMs }: Pick<PoolLimits, 'drainMaxMs'>): CallLimit {
  return {
    afterMs: drainMaxMs,
    error: () => new ClientError('DRAIN_TIMEOUT', undefined, { sent: true }),
  };
}

/** From what a connection was built. */
export interface ConnectionOrigin {
  readonly server: KnownServer;
  readonly user: string | undefined;
  readonly credentialRevision: string;
  readonly limits: Pick<PoolLimits, 'processGraceMs' | 'probeAfterMs'>;
  readonly onEvent: PoolEventListener | undefined;
}

/**
 * A connection of the pool. `live`: takes calls. `retired`: takes none; those in flight go
 * on, and with the last it closes. `closed`: the session is ended and the process group
 * gone. It never goes back.
 */
export class PooledConnection {
  readonly origin: ConnectionOrigin;
  readonly mcp: McpConnection;
  /** Milliseconds since 1970, for people. */
  readonly connectedAt = Date.now();
  /** Fulfilled when the connection is closed. Never rejects. */
  readonly whenClosed: Promise<void>;
  /** Monotonic milliseconds of the connect or of the end of the last call. */
  lastUsedAt = performance.now();
  /** Monotonic milliseconds of the last probe. */
  lastProbedAt = 0;
  state: 'live' | 'retired' | 'closed' = 'live';
  readonly #calls = new Set<Call>();
  #cause: RetireCause = 'released';
  #ending = false;
  readonly #bornAt = performance.now();
  #livedMs = 0;
  #wasUsed = false;
  #markClosed!: () => void;

  constructor(mcp: McpConnection, origin: ConnectionOrigin) {
    this.mcp = mcp;
    this.origin = origin;
    this.whenClosed = new Promise((resolve) => (this.#markClosed = resolve));
  }

  get serverId(): string {
    return this.origin.server.id;
  }

  get configHash(): string {
    return this.origin.server.configHash;
  }

  get isProcess(): boolean {
    return this.origin.server.spec.transport.kind === 'stdio';
  }

  /** Whether its process or session is being ended already. */
  get isEnding(): boolean {
    return this.#ending;
  }

  /**
   * Whether it is a process that ended right after it was started, before it was of any
   * use: another start would end the same way.
   */
  get isLostYoung(): boolean {
    return this.isProcess && this.#cause === 'lost' && !this.#wasUsed && this.#livedMs < YOUNG_MS;
  }

  get callsInFlight(): number {
    return this.#calls.size;
  }

  get subject(): ConnectionSubject {
    const { server, user } = this.origin;
    const { id: serverId, name, scope, configHash } = server;
    return { serverId, name, scope, user, configHash };
  }

  /**
   * Runs one call for a caller of `view`. Throws ClientError: CONNECTION_RETIRED if
   * nothing may be sent any more, else what the call failed with.
   */
  async run<T>(
    view: ReaderView,
    options: RequestOptions,
    send: (mcp: McpConnection, options: RequestOptions) => Promise<T>,
  ): Promise<T> {
    if (this.state !== 'live') throw new ClientError('CONNECTION_RETIRED');
    const { signal } = options;
    throwIfCancelled(signal);
    const call: Call = { view, stop: new AbortController() };
    const onAbort = (): void => call.stop.abort(signal && cancelled(signal, true));
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#calls.add(call);
    try {
      const result = await send(this.mcp, { ...options, signal: call.stop.signal });
      this.#wasUsed = true;
      return result;
    } catch (error) {
      throw call.stop.signal.aborted ? call.stop.signal.reason : callError(error);
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#calls.delete(call);
      this.lastUsedAt = performance.now();
      this.#closeIfIdle();
    }
  }

  /** Takes no more calls from now on. Those in flight are failed by `limit`, if any is given. */
  retire(cause: RetireCause, limit?: CallLimit): void {
    if (this.state === 'live') {
      this.state = 'retired';
      this.#livedMs = performance.now() - this.#bornAt;
      this.#cause = cause;
      emitEvent(this.origin.onEvent, {
        ...this.subject,
        type: 'retired',
        cause,
        callsInFlight: this.#calls.size,
      });
    }
    if (limit !== undefined) this.failCalls(limit, () => true);
    this.#closeIfIdle();
  }

  /** Fails those of the calls now in flight whose view `concerns`, after `limit.afterMs`. */
  failCalls(limit: CallLimit, concerns: (view: ReaderView) => boolean): void {
    const calls = [...this.#calls].filter((call) => concerns(call.view));
    if (calls.length === 0) return;
    const fail = (): void => {
      for (const call of calls) call.stop.abort(limit.error());
    };
    if (limit.afterMs <= 0) fail();
    else setTimeout(fail, limit.afterMs).unref();
  }

  #closeIfIdle(): void {
    if (this.state !== 'retired' || this.#calls.size > 0 || this.#ending) return;
    this.#ending = true;
    void this.#end();
  }

  async #end(): Promise<void> {
    await this.mcp.close({ graceMs: this.origin.limits.processGraceMs });
    this.state = 'closed';
    emitEvent(this.origin.onEvent, { ...this.subject, type: 'closed', cause: this.#cause });
    this.#markClosed();
  }
}
