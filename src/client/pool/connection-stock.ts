import { isRestricted } from '../../domain/transport-policy.js';
import type { ServerView } from '../server-view.js';
import { buildConnection, type BuilderOptions, type BuildRequest } from './connection-builder.js';
import type { CallLimit, PooledConnection } from './pooled-connection.js';
import { ProcessBudget } from './process-budget.js';
import { isOfConfig, type Slot } from './slot.js';

/**
 * What a connect came to. `outdated`: to nothing, although the server is fine, because the
 * view changed meanwhile and is to be looked at again.
 */
export type BuildResult = PooledConnection | 'outdated';

/** Everything of a pool that is being built or not yet closed, each with its slot. */
export class ConnectionStock {
  readonly #view: ServerView;
  readonly #builder: BuilderOptions;
  readonly #processes: ProcessBudget;
  readonly #connections = new Map<PooledConnection, Slot>();
  readonly #building = new Set<Promise<unknown>>();

  constructor(view: ServerView, builder: BuilderOptions) {
    this.#view = view;
    this.#builder = builder;
    this.#processes = new ProcessBudget(builder.limits.maxStdioProcesses, () =>
      this.#connections.keys(),
    );
  }

  /** What is not yet closed: lent, retired or of request scope. */
  all(): Iterable<readonly [PooledConnection, Slot]> {
    return this.#connections;
  }

  slotOf(connection: PooledConnection): Slot | undefined {
    return this.#connections.get(connection);
  }

  /**
   * Builds a connection for a slot. If at its end the view would no longer have it there, or the
   * transport policy is another one, it is closed again, and outdated. Throws ClientError.
   */
  async build(slot: Slot, request: BuildRequest): Promise<BuildResult> {
    const { server, signal } = request;
    const giveBack = server.spec.transport.kind === 'stdio' ? this.#processes.take() : undefined;
    const { policy } = this.#builder;
    const allowedBy = policy.current;
    const building = buildConnection(this.#builder, request);
    this.#building.add(building);
    try {
      const built = await building;
      this.#connections.set(built, slot);
      void built.whenClosed.then(() => this.#connections.delete(built));
      const isAllowed = !isRestricted(server) || policy.current === allowedBy;
      const isCurrent = isOfConfig(slot.seen(this.#view), server.configHash);
      if (!signal.aborted && isAllowed && isCurrent) return built;
      built.retire(isAllowed ? 'config' : 'policy');
      return 'outdated';
    } finally {
      this.#building.delete(building);
      giveBack?.();
    }
  }

  /** Retires all there is with `limit` and waits until it is closed. */
  async close(limit: CallLimit): Promise<void> {
    for (const connection of this.#connections.keys()) connection.retire('pool_closed', limit);
    // Those whose signal was aborted retire themselves.
    await Promise.allSettled(this.#building);
    await Promise.all([...this.#connections.keys()].map((one) => one.whenClosed));
  }
}
