import type { Socket } from 'node:net';

/**
 * How far a connection has come. `silent`: the handshakes of TLS and HTTP/2 are not over.
 * `unproven`: no call with valid credentials yet. `proven`: at least one. `refused`: one too
 * many, kept for a moment so that its calls can be answered.
 */
export type Phase = 'silent' | 'unproven' | 'proven' | 'refused';

/** A connection of a peer. */
export interface Connection {
  readonly socket: Socket;
  readonly phase: Phase;
  /** When it was accepted. Milliseconds, monotonic. */
  readonly since: number;
}

type Mutable = { -readonly [K in keyof Connection]: Connection[K] };

export interface TableLimits {
  readonly maxConnections: number;
  /** How long a connection may be silent. Milliseconds. */
  readonly handshakeTimeoutMs: number;
}

/** Connections above the limit that are answered at the same time; others are closed at once. */
const MAX_REFUSED = 8;
/** How long a connection above the limit is kept. Milliseconds. */
const REFUSED_MS = 1_000;

/**
 * The connections of all peers. When the table is full, the oldest connection of a peer that
 * has not shown credentials makes room: whoever holds many of them keeps nobody out.
 */
export class ConnectionTable {
  private readonly limits: TableLimits;
  private readonly now: () => number;
  /** By phase, each in the order in which they came. */
  private readonly connections: Readonly<Record<Phase, Set<Connection>>> = {
    silent: new Set(),
    unproven: new Set(),
    proven: new Set(),
    refused: new Set(),
  };

  /** `now`: milliseconds, monotonic. */
  constructor(limits: TableLimits, now: () => number) {
    this.limits = limits;
    this.now = now;
  }

  /** How many there are. */
  count(phase: Phase): number {
    return this.connections[phase].size;
  }

  /** Takes a connection that was accepted, until it is closed. Closes it if it has no place. */
  add(socket: Socket): Connection {
    const connection: Mutable = { socket, phase: 'silent', since: this.now() };
    if (!this.hasRoom()) connection.phase = 'refused';
    const isTooMany = connection.phase === 'refused' && this.count('refused') >= MAX_REFUSED;
    this.connections[connection.phase].add(connection);
    socket.once('close', () => {
      this.connections[connection.phase].delete(connection);
    });
    if (isTooMany) this.close(connection);
    return connection;
  }

  /** Notes how far a connection has come. */
  advance(connection: Connection, to: 'unproven' | 'proven'): void {
    const { phase } = connection;
    if (phase === to || phase === 'proven' || phase === 'refused') return;
    // One that has made room for another may still be heard.
    if (!this.connections[phase].delete(connection)) return;
    (connection as Mutable).phase = to;
    this.connections[to].add(connection);
  }

  /** Closes those that were silent, or were kept to be refused, for too long. */
  closeLate(): void {
    this.closeOlder('silent', this.limits.handshakeTimeoutMs);
    this.closeOlder('refused', REFUSED_MS);
  }

  /** Closes those on which no call can run. */
  closeSilent(): void {
    this.closeOlder('silent', 0);
  }

  private hasRoom(): boolean {
    const { silent, unproven, proven } = this.connections;
    if (silent.size + unproven.size + proven.size < this.limits.maxConnections) return true;
    const [oldest] = silent.size > 0 ? silent : unproven;
    if (oldest === undefined) return false;
    this.close(oldest);
    return true;
  }

  private closeOlder(phase: 'silent' | 'refused', ms: number): void {
    const accepted = this.now() - ms;
    for (const connection of this.connections[phase]) {
      if (connection.since > accepted) return;
      this.close(connection);
    }
  }

  private close(connection: Connection): void {
    this.connections[connection.phase].delete(connection);
    connection.socket.destroy();
  }
}
