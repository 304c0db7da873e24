/**
 * Errors that arise at the node and never cross the wire. `summary` says what happened,
 * `fix` what to do. What the control plane answers is a SwitchboardError.
 */
export const CLIENT_ERROR_REASONS = {
  VIEW_UNKNOWN: {
    summary: 'This view is not known at this node: it was not subscribed to, or is not synced yet.',
    fix: 'Await `user(...)` or `ready()` first, and keep the handle while it is used.',
  },
  SUBSCRIPTION_REFUSED: {
    summary: 'The control plane refused the subscription.',
    fix: 'See the cause.',
  },
  SERVER_UNKNOWN: {
    summary: 'No server of this name in this view.',
    fix: 'Check the name and the user; the view may also not have arrived yet.',
  },
  SERVER_DISABLED: {
    summary: 'The server is disabled.',
    fix: 'Enable it, or do without it.',
  },
  UNSUPPORTED_TRANSPORT: {
    summary: 'This client cannot speak to the proxy of the server.',
    fix: 'Use a proxy of http, https, socks4 or socks5.',
  },
  VALUE_MISSING: {
    summary: 'A placeholder of the spec has no value here.',
    fix: 'Provide what the metadata names: environment, user value, secret or request value.',
  },
  VALUE_INVALID: {
    summary: 'A value may not stand where the spec puts it.',
    fix: 'Correct the value of the field that the metadata names.',
  },
  VALUE_NOT_ALLOWED: {
    summary: 'A private server may not read this kind of value.',
    fix: 'Use user values or a literal, or make the server a shared one.',
  },
  HOOK_FAILED: {
    summary: 'A hook of the application threw.',
    fix: 'See the cause.',
  },
  CONNECT_FAILED: {
    summary: 'The connection could not be made.',
    fix: 'See the cause; the server is tried again after retryAfterMs.',
  },
  CONNECT_TIMEOUT: {
    summary: 'The connection was not made in time.',
    fix: 'Check the server, or give it more time in its timeouts.',
  },
  UNAUTHORIZED: {
    summary: 'The server refused the credentials, also after asking for new ones.',
    fix: 'Let the user sign in again, then call `renew`.',
  },
  TOO_MANY_PROCESSES: {
    summary: 'As many server processes run as are allowed, and none is idle.',
    fix: 'Raise maxStdioProcesses, or try again.',
  },
  CONNECTION_RETIRED: {
    summary: 'The connection takes no more calls. Nothing was sent.',
    fix: 'Get the connection again; `call` and `callTool` of a scope do it by themselves.',
  },
  CONNECTION_LOST: {
    summary: 'The server went away, or lost the session, before it answered.',
    fix: 'Try again, if `sent` is false or the tool may run twice.',
  },
  ACCESS_REVOKED: {
    summary: 'The server was deleted, or taken from this user.',
    fix: 'Nothing to do: the result, if any, is not for this user.',
  },
  DRAIN_TIMEOUT: {
    summary: 'The call took longer than a connection is kept after its config changed.',
    fix: 'Try again; raise drainMaxMs if calls take this long.',
  },
  DISCONNECTED: {
    summary: 'The connection was closed by `disconnect` or `disconnectAll`.',
    fix: 'Get it again.',
  },
  CALL_TIMEOUT: {
    summary: 'The server neither answered nor reported progress in time.',
    fix: 'Give it more time, by the call or in the timeouts of the spec.',
  },
  CALL_REFUSED: {
    summary: 'The server answered with an error.',
    fix: 'See the metadata and the cause.',
  },
  SERVER_UNAVAILABLE: {
    summary: 'The server, or a proxy before it, answered that it cannot serve now.',
    fix: 'Try again later.',
  },
  TOOL_NOT_ALLOWED: {
    summary: 'The tool filter of the server does not let this tool through.',
    fix: 'Call another tool, or change the filter.',
  },
  CANCELLED: {
    summary: 'The caller cancelled.',
    fix: 'Nothing to do.',
  },
  CLIENT_CLOSED: {
    summary: 'The client was used after it was closed.',
    fix: 'Open another one.',
  },
  POOL_CLOSED: {
    summary: 'The pool was used after it was closed.',
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
