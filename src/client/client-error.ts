/**
 * Errors that arise at the node and never cross the wire. `summary` says what happened,
 * `fix` what to do. What the control plane answers is a SwitchboardError.
 */
export const CLIENT_ERROR_REASONS = {
  VIEW_UNKNOWN: {
    summary: 'This node does not know the view: it is not subscribed, or not synced yet.',
    fix: 'Await `user(...)` or `ready()` first, and keep the handle while you use it.',
  },
  SUBSCRIPTION_REFUSED: {
    summary: 'The control plane refused the subscription.',
    fix: 'See the cause.',
  },
  SERVER_UNKNOWN: {
    summary: 'No server of this name in this view.',
    fix: 'Check the name and the user; the view may not be synced yet.',
  },
  SERVER_DISABLED: {
    summary: 'The server is disabled.',
    fix: 'Enable it, or do not use it.',
  },
  UNSUPPORTED_TRANSPORT: {
    summary: 'This client does not support the proxy of the server.',
    fix: 'Use an http, https, socks4 or socks5 proxy.',
  },
  TRANSPORT_NOT_ALLOWED: {
    summary: 'The transport policy does not allow this private server to be where it is.',
    fix: 'Let an administrator of the control plane allow the rule in the metadata, or move the server.',
  },
  VALUE_MISSING: {
    summary: 'A placeholder in the spec has no value on this node.',
    fix: 'Provide the value named in the metadata: environment, user value, secret or request value.',
  },
  VALUE_INVALID: {
    summary: 'A value is not allowed where the spec uses it.',
    fix: 'Correct the value of the field named in the metadata.',
  },
  VALUE_NOT_ALLOWED: {
    summary: 'A private server may not read this kind of value.',
    fix: 'Use user values or a literal, or promote the server.',
  },
  HOOK_FAILED: {
    summary: 'A hook of the application threw.',
    fix: 'See the cause.',
  },
  CONNECT_FAILED: {
    summary: 'The connect failed.',
    fix: 'See the cause; a new attempt is made after retryAfterMs.',
  },
  CONNECT_TIMEOUT: {
    summary: 'The connect timed out.',
    fix: 'Check the server, or raise its connect timeout.',
  },
  UNAUTHORIZED: {
    summary: 'The server rejected the credentials, even after they were renewed.',
    fix: 'Let the user sign in again, then call `renew`.',
  },
  TOO_MANY_PROCESSES: {
    summary: 'The limit of server processes has been reached, and none is idle.',
    fix: 'Raise maxStdioProcesses, or retry.',
  },
  CONNECTION_RETIRED: {
    summary: 'The connection no longer accepts calls. Nothing was sent.',
    fix: 'Get the connection again; `call` and `callTool` of a scope do so automatically.',
  },
  CONNECTION_LOST: {
    summary: 'The server went away, or lost the session, before it responded.',
    fix: 'Retry if `sent` is false or the tool may safely run twice.',
  },
  ACCESS_REVOKED: {
    summary: 'The server was deleted, or this user lost access.',
    fix: 'Nothing to do: the result, if any, is not for this user.',
  },
  DRAIN_TIMEOUT: {
    summary: 'The call took longer than a connection is kept after its config changed.',
    fix: 'Retry; raise drainMaxMs if calls take this long.',
  },
  DISCONNECTED: {
    summary: 'The connection was closed by `disconnect` or `disconnectAll`.',
    fix: 'Get it again.',
  },
  CALL_TIMEOUT: {
    summary: 'The server did not respond in time, or reported no progress.',
    fix: 'Raise `timeoutMs` or `totalTimeoutMs` of the call, or the timeout in the spec.',
  },
  CALL_REFUSED: {
    summary: 'The server returned an error.',
    fix: 'See the metadata and the cause.',
  },
  LIMIT_EXCEEDED: {
    summary: 'The server sent more than a limit of the client allows; the connection was closed.',
    fix: 'Let the server return less; the message names the limit.',
  },
  SERVER_UNAVAILABLE: {
    summary: 'The server, or a proxy in front of it, is temporarily unavailable.',
    fix: 'Try again later.',
  },
  TOOL_NOT_ALLOWED: {
    summary: 'The tool filter of the server does not allow this tool.',
    fix: 'Call another tool, or change the filter.',
  },
  CANCELLED: {
    summary: 'The caller cancelled.',
    fix: 'Nothing to do.',
  },
  CLIENT_CLOSED: {
    summary: 'The client was used after it had been closed.',
    fix: 'Open another one.',
  },
  POOL_CLOSED: {
    summary: 'The pool was used after it had been closed.',
    fix: 'Open another one.',
  },
} as const satisfies Record<string, { summary: string; fix: string }>;

/** Why something failed at the node. Stable: branch on it, never on text. */
export type ClientErrorReason = keyof typeof CLIENT_ERROR_REASONS;

/** What a ClientError carries besides its reason. */
export interface ClientErrorDetails {
  /** Facts for the caller; no secrets. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Milliseconds before which the pool will not try the server again. */
  readonly retryAfterMs?: number;
  /** Whether the server may have acted on the call. Default false. */
  readonly sent?: boolean;
  readonly cause?: unknown;
}

/** The error class of the pool. */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly reason: ClientErrorReason;
  readonly metadata: Readonly<Record<string, string>>;
  readonly retryAfterMs: number | undefined;
  /** Whether the server may have acted on the call. Only `false` makes a repetition safe. */
  readonly sent: boolean;

  constructor(reason: ClientErrorReason, message?: string, details: ClientErrorDetails = {}) {
    super(message ?? CLIENT_ERROR_REASONS[reason].summary, { cause: details.cause });
    this.reason = reason;
    this.metadata = details.metadata ?? {};
    this.retryAfterMs = details.retryAfterMs;
    this.sent = details.sent ?? false;
  }
}

/** Whether `error` is of the client, of `reason` if one is given. */
export function isClientError(error: unknown, reason?: ClientErrorReason): error is ClientError {
  return error instanceof ClientError && (reason === undefined || error.reason === reason);
}
