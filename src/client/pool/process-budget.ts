import { ClientError } from '../client-error.js';
import type { PooledConnection } from './pooled-connection.js';

/** Counts server processes. Those that are being ended do not count. */
export class ProcessBudget {
  readonly #max: number;
  readonly #connections: () => Iterable<PooledConnection>;
  #starting = 0;

  constructor(max: number, connections: () => Iterable<PooledConnection>) {
    this.#max = max;
    this.#connections = connections;
  }

  /**
   * Takes a place for a process to be started; the answer gives it back, when the process
   * is among the connections or was not started. With all places taken the process that
   * was idle longest is closed. Throws TOO_MANY_PROCESSES if none is idle.
   */
  take(): () => void {
    const running = [...this.#connections()].filter(isRunning);
    if (running.length + this.#starting >= this.#max) {
      const idle = running.filter((one) => one.callsInFlight === 0);
      idle.sort((a, b) => a.lastUsedAt - b.lastUsedAt);
      const [oldest] = idle;
      if (oldest === undefined) {
        const metadata = { max: String(this.#max) };
        throw new ClientError('TOO_MANY_PROCESSES', undefined, { metadata });
      }
      oldest.retire('evicted');
    }
    this.#starting += 1;
    return () => (this.#starting -= 1);
  }
}

function isRunning(connection: PooledConnection): boolean {
  return connection.isProcess && connection.state !== 'closed' && !connection.isEnding;
}
