/** Why a client is in the state that it is in. */
export type StatusReason =
  | 'starting'
  | 'synced'
  /** The stream ended or could not be opened; it is being opened again. */
  | 'disconnected'
  /** Nothing came for longer than two heartbeats and a second. */
  | 'silent'
  /** The replica that serves us cannot reach the Catalog. */
  | 'upstream_degraded'
  | 'closed';

/**
 * CONNECTING: nothing is known yet. READY: what is known is followed. STALE: what is known
 * may be old. CLOSED: by `close`.
 */
export interface ClientStatus {
  readonly state: 'CONNECTING' | 'READY' | 'STALE' | 'CLOSED';
  readonly reason: StatusReason;
  /** When this state and reason began, in milliseconds since 1970. For people. */
  readonly since: number;
  /** With `disconnected`: what the stream ended with. */
  readonly error?: Error;
}

/** A status that can be looked at and listened to. */
export interface StatusSource {
  readonly current: ClientStatus;
  /**
   * Calls `listener` with each new status, not with the present one. What it throws becomes a
   * warning of the process. Answers a function that ends it.
   */
  subscribe(listener: (status: ClientStatus) => void): () => void;
}

/** The status of one client; only its owner sets it. */
export class StatusCell implements StatusSource {
  private readonly listeners = new Set<(status: ClientStatus) => void>();
  private status: ClientStatus = { state: 'CONNECTING', reason: 'starting', since: Date.now() };

  get current(): ClientStatus {
    return this.status;
  }

  subscribe(listener: (status: ClientStatus) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Tells listeners only of what is new. After CLOSED nothing is. */
  set(state: ClientStatus['state'], reason: StatusReason, error?: Error): void {
    const same = this.status.state === state && this.status.reason === reason;
    if (same || this.status.state === 'CLOSED') return;
    this.status = { state, reason, since: Date.now(), ...(error === undefined ? {} : { error }) };
    for (const listener of [...this.listeners]) tell(listener, this.status);
  }
}

/** What a listener of the application throws must not end the stream, or the trying again. */
function tell(listener: (status: ClientStatus) => void, status: ClientStatus): void {
  try {
    listener(status);
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error), 'StatusListenerWarning');
  }
}
