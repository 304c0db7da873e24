import type { TransportRefusal } from '../../domain/transport-policy.js';
import { McpError, type McpErrorKind } from '../../mcp/mcp-error.js';
import { ClientError, type ClientErrorReason } from '../client-error.js';

/** What a failing connect is called. */
const CONNECT_REASONS: Readonly<Record<McpErrorKind, ClientErrorReason>> = {
  unsupported: 'UNSUPPORTED_TRANSPORT',
  not_allowed: 'TRANSPORT_NOT_ALLOWED',
  connect_failed: 'CONNECT_FAILED',
  timeout: 'CONNECT_TIMEOUT',
  unauthorized: 'UNAUTHORIZED',
  stale_session: 'CONNECT_FAILED',
  lost: 'CONNECT_FAILED',
  unavailable: 'CONNECT_FAILED',
  refused: 'CONNECT_FAILED',
  limit_exceeded: 'LIMIT_EXCEEDED',
  invalid_answer: 'CONNECT_FAILED',
  aborted: 'CANCELLED',
  closed: 'POOL_CLOSED',
};

/** What a failing call is called. */
const CALL_REASONS: Readonly<Record<McpErrorKind, ClientErrorReason>> = {
  unsupported: 'CALL_REFUSED',
  not_allowed: 'TRANSPORT_NOT_ALLOWED',
  connect_failed: 'CONNECTION_LOST',
  timeout: 'CALL_TIMEOUT',
  unauthorized: 'UNAUTHORIZED',
  stale_session: 'CONNECTION_LOST',
  lost: 'CONNECTION_LOST',
  unavailable: 'SERVER_UNAVAILABLE',
  refused: 'CALL_REFUSED',
  limit_exceeded: 'LIMIT_EXCEEDED',
  invalid_answer: 'CALL_REFUSED',
  aborted: 'CANCELLED',
  closed: 'CONNECTION_LOST',
};

/** The ClientError of a failed connect to `server`. */
export function connectError(error: unknown, server: { readonly name: string }): ClientError {
  if (error instanceof ClientError) return error;
  if (!(error instanceof McpError)) {
    return new ClientError('CONNECT_FAILED', `${server.name}: ${String(error)}`, { cause: error });
  }
  return new ClientError(CONNECT_REASONS[error.kind], `${server.name}: ${error.message}`, {
    metadata: { server: server.name, ...metadataOf(error) },
    cause: error,
  });
}

/** The ClientError of a failed call. */
export function callError(error: unknown): ClientError {
  if (error instanceof ClientError) return error;
  if (!(error instanceof McpError)) {
    return new ClientError('CALL_REFUSED', String(error), { cause: error, sent: true });
  }
  return new ClientError(CALL_REASONS[error.kind], error.message, {
    metadata: metadataOf(error),
    sent: error.sent,
    cause: error,
  });
}

function metadataOf(error: McpError): Record<string, string> {
  return {
    kind: error.kind,
    ...(error.kind === 'not_allowed' ? { rule: (error.data as TransportRefusal).rule } : {}),
    ...(error.code === undefined ? {} : { code: String(error.code) }),
    ...(error.status === undefined ? {} : { status: String(error.status) }),
  };
}
