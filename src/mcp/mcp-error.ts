/**
 * What went wrong between us and an MCP server:
 * - `unsupported`: we do not speak to the target, or to the proxy before it.
 * - `not_allowed`: the transport policy refuses the process or the address; `data` says why.
 * - `connect_failed`: there is no connection, for a reason that is none of those below.
 * - `timeout`: no answer within the limit.
 * - `unauthorized`: the server answered 401.
 * - `stale_session`: the server no longer knows the session; connect again.
 * - `lost`: the server went away, or ended the stream that should have brought the answer.
 * - `unavailable`: the server, or something before it, answered 429 or 5xx.
 * - `refused`: the server answered with an error; `code` is its JSON-RPC code.
 * - `limit_exceeded`: the server sent more than a limit allows, which ended the connection.
 * - `invalid_answer`: the answer is not what the protocol says.
 * - `aborted`: the caller's signal.
 * - `closed`: the connection was used after its end.
 */
export type McpErrorKind =
  | 'unsupported'
  | 'not_allowed'
  | 'connect_failed'
  | 'timeout'
  | 'unauthorized'
  | 'stale_session'
  | 'lost'
  | 'unavailable'
  | 'refused'
  | 'limit_exceeded'
  | 'invalid_answer'
  | 'aborted'
  | 'closed';

/** What an McpError carries besides its kind. */
export interface McpErrorDetails {
  /** Whether the server may have acted on the request. Only `false` makes a repetition safe. */
  readonly sent: boolean;
  /** JSON-RPC code of the server's answer. */
  readonly code?: number;
  /** What the server added to its error. */
  readonly data?: unknown;
  /** HTTP status of the server's answer. */
  readonly status?: number;
  readonly cause?: unknown;
}

/** The one error that leaves this folder. Branch on `kind`. */
export class McpError extends Error {
  override readonly name = 'McpError';
  readonly kind: McpErrorKind;
  readonly sent: boolean;
  readonly code: number | undefined;
  readonly data: unknown;
  readonly status: number | undefined;

  constructor(kind: McpErrorKind, message: string, details: McpErrorDetails) {
    super(message, { cause: details.cause });
    this.kind = kind;
    this.sent = details.sent;
    this.code = details.code;
    this.data = details.data;
    this.status = details.status;
  }
}
