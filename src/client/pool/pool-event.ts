import type { ConnectionScope } from '../../domain/config/connection-scope.js';
import type { ClientError } from '../client-error.js';

/**
 * Why a connection takes no more calls:
 * - `config`: what matters to a connection changed. `disabled`: the server was disabled.
 * - `revoked`: the server was deleted, or is no longer seen by whom the connection is for.
 * - `shadowed`: the name of the server leads whom the connection is for to another one.
 * - `policy`: the transport policy changed, which applies to the server.
 * - `credentials`: the server refused them, or newer ones are there. `renewed`: by `renew`.
 * - `lost`: the server went away. `idle`: nobody used it. `evicted`: for another process.
 * - `disconnected`, `released`, `pool_closed`: by the method of this name.
 */
export type RetireCause =
  | 'config'
  | 'disabled'
  | 'revoked'
  | 'shadowed'
  | 'policy'
  | 'credentials'
  | 'renewed'
  | 'lost'
  | 'idle'
  | 'evicted'
  | 'disconnected'
  | 'released'
  | 'pool_closed';

/** Which connection an event is about. */
export interface ConnectionSubject {
  readonly serverId: string;
  /** The name of the server when the connection was begun. */
  readonly name: string;
  readonly scope: ConnectionScope;
  /** Undefined for a shared connection. */
  readonly user: string | undefined;
  readonly configHash: string;
}

/**
 * What the pool tells of itself. For one connection: connecting, connected, retired, closed.
 * `warning`, before `connecting`: the server requires each user to sign in, as an inspection
 * found, but its tier shares one connection between all of them.
 */
export type PoolEvent = ConnectionSubject &
  (
    | { readonly type: 'warning'; readonly message: string }
    | { readonly type: 'connecting' }
    | { readonly type: 'connected'; readonly connectedAt: number; readonly pid?: number }
    | { readonly type: 'failed'; readonly error: ClientError }
    | { readonly type: 'retired'; readonly cause: RetireCause; readonly callsInFlight: number }
    | { readonly type: 'closed'; readonly cause: RetireCause }
    | { readonly type: 'stderr'; readonly text: string }
  );

/** Called synchronously; what it throws becomes a warning of the process. */
export type PoolEventListener = (event: PoolEvent) => void;

/** Calls `listener` such that what it throws harms nobody here. */
export function emitEvent(listener: PoolEventListener | undefined, event: PoolEvent): void {
  try {
    listener?.(event);
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error), 'PoolEventListenerWarning');
  }
}
