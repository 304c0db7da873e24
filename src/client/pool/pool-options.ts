import { timerMs } from '../../domain/timer.js';
import type { ClientIdentity, Connector } from '../../mcp/connector.js';
import type { McpConnection } from '../../mcp/mcp-connection.js';
import { MAX_MESSAGE_SIZE } from '../../mcp/message.js';
import type { PolicySource } from '../node-policy.js';
import type { KnownServer, ServerView } from '../server-view.js';
import type { ValueSources } from '../values/value-sources.js';
import type { BackoffOptions } from './backoff.js';
import type { CredentialsHook } from './credential-store.js';
import type { PoolEventListener } from './pool-event.js';

/** What a pool is made of. Only `view` is required. */
export interface PoolOptions extends Partial<ValueSources> {
  /** What the node knows. The pool follows it. */
  readonly view: ServerView;
  /** How we name ourselves to MCP servers. Default: switchboard. */
  readonly identity?: ClientIdentity;
  /** Opens connections. Default: one of the pool's own. The pool closes it. */
  readonly connector?: Connector;
  readonly credentials?: CredentialsHook;
  /** `auto` asks HTTP servers for protocol 2026-07-28 first. Default `legacy`. */
  readonly era?: 'legacy' | 'auto';
  /** Milliseconds that calls in flight keep a connection whose config changed. Default 10 min. */
  readonly drainMaxMs?: number;
  /** Milliseconds that calls in flight have after a delete or loss of sight. Default 0. */
  readonly revokeGraceMs?: number;
  /** Milliseconds without a call after which a connection of a user is closed. Default 15 min. */
  readonly idleMs?: number;
  /** Milliseconds without a call after which a connection is probed. Default 60 s. */
  readonly probeAfterMs?: number;
  /** Milliseconds between looks at idle connections. Default 5 s. */
  readonly sweepEveryMs?: number;
  /** Milliseconds that a process has to end by itself, and again after SIGTERM. Default 2 s. */
  readonly processGraceMs?: number;
  /** Server processes at once; past it an idle one is closed for a new one. Default 64. */
  readonly maxStdioProcesses?: number;
  /**
   * The largest message that is taken from a server, and the largest list over all its pages, in
   * bytes. Default 10 MiB.
   */
  readonly maxResultBytes?: number;
  /** Connects at once in `getMany`, `getAll` and at startup. Default 8. */
  readonly connectConcurrency?: number;
  /**
   * Whether shared servers with `startup` in their spec are connected in the background,
   * at once and when they change. Default false: nothing is started that nobody asked for.
   */
  readonly connectOnStartup?: boolean;
  /** Where PRIVATE servers may be. Default: at public addresses only. */
  readonly policy?: PolicySource;
  readonly backoff?: BackoffOptions;
  readonly onEvent?: PoolEventListener;
  /** Called with each new connection, before it is lent. Must not throw. */
  readonly onOpened?: OpenedListener;
}

/** A connection that was just made. */
export interface OpenedConnection {
  readonly server: KnownServer;
  /** Undefined for one that is shared. */
  readonly user: string | undefined;
  /** Whether headers of the credentials hook went with it. */
  readonly hasCredentials: boolean;
  readonly mcp: McpConnection;
}

export type OpenedListener = (opened: OpenedConnection) => void;

/** The numbers of PoolOptions, complete. */
export interface PoolLimits {
  readonly drainMaxMs: number;
  readonly revokeGraceMs: number;
  readonly idleMs: number;
  readonly probeAfterMs: number;
  readonly sweepEveryMs: number;
  readonly processGraceMs: number;
  readonly maxStdioProcesses: number;
  readonly maxResultBytes: number;
  readonly connectConcurrency: number;
}

const DEFAULTS: PoolLimits = Object.freeze({
  drainMaxMs: 600_000,
  revokeGraceMs: 0,
  idleMs: 900_000,
  probeAfterMs: 60_000,
  sweepEveryMs: 5000,
  processGraceMs: 2000,
  maxStdioProcesses: 64,
  maxResultBytes: MAX_MESSAGE_SIZE,
  connectConcurrency: 8,
});

/** The numbers of `options`, with the defaults where nothing is said. */
export function poolLimits(options: Partial<PoolLimits>): PoolLimits {
  const pick = (name: keyof PoolLimits): number => timerMs(options[name] ?? DEFAULTS[name]);
  return {
    drainMaxMs: pick('drainMaxMs'),
    revokeGraceMs: pick('revokeGraceMs'),
    idleMs: pick('idleMs'),
    probeAfterMs: pick('probeAfterMs'),
    sweepEveryMs: pick('sweepEveryMs'),
    processGraceMs: pick('processGraceMs'),
    maxStdioProcesses: pick('maxStdioProcesses'),
    maxResultBytes: options.maxResultBytes ?? DEFAULTS.maxResultBytes,
    connectConcurrency: pick('connectConcurrency'),
  };
}
