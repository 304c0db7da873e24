import {
  OAuthClientFlowError,
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
} from '@modelcontextprotocol/client';
import { McpError, type McpErrorKind } from './mcp-error.js';

/** Data of the error by which the HTTP transport answers a request whose answer cannot come any more. */
export const ANSWER_LOST = Object.freeze({ answerLost: true });

/** What the classifier must know besides the error. */
export interface FailedRequest {
  /** Whether the request carried a session id. */
  readonly hadSession: boolean;
}

/** Codes of failures before a byte of the request left. */
const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** JSON-RPC codes with which servers were seen to refuse a session inside a 200. */
const SESSION_CODES = new Set([-32600, -32001]);

const SDK_KINDS: Partial<Record<SdkErrorCode, McpErrorKind>> = {
  [SdkErrorCode.RequestTimeout]: 'timeout',
  [SdkErrorCode.ConnectionClosed]: 'lost',
  [SdkErrorCode.SendFailed]: 'lost',
  [SdkErrorCode.NotConnected]: 'closed',
  [SdkErrorCode.CapabilityNotSupported]: 'refused',
  [SdkErrorCode.MethodNotSupportedByProtocolVersion]: 'refused',
  [SdkErrorCode.EraNegotiationFailed]: 'connect_failed',
};

/** SDK errors that are raised before anything is sent. */
const SDK_LOCAL = new Set<McpErrorKind>(['closed', 'refused', 'connect_failed']);

/** Says in our words what an error of the SDK means for the connection and for a repetition. */
export function classifyError(error: unknown, request: FailedRequest): McpError {
  const own = ownError(error);
  if (own !== undefined) return own;
  if (error instanceof SdkHttpError) return classifyStatus(error, request);
  if (error instanceof ProtocolError) return classifyAnswer(error, request);
  if (error instanceof SdkError) {
    const kind = SDK_KINDS[error.code] ?? 'invalid_answer';
    return new McpError(kind, error.message, { sent: !SDK_LOCAL.has(kind), cause: error });
  }
  if (error instanceof OAuthClientFlowError) {
    // 403 with insufficient_scope: the only one that is thrown without a provider of the SDK.
    return new McpError('refused', error.message, { sent: false, status: 403, cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  if (message === 'Not connected') {
    return new McpError('closed', 'the connection has ended', { sent: false, cause: error });
  }
  const code = systemCode(error);
  const text = code === undefined ? message : `${message} (${code})`;
  return new McpError('lost', text, { sent: !NEVER_SENT.has(code ?? ''), cause: error });
}

function classifyStatus(error: SdkHttpError, request: FailedRequest): McpError {
  const { status } = error;
  const details = { status, cause: error };
  const text = typeof error.data.text === 'string' ? error.data.text : '';
  const message = `the server answered ${String(status)}${text === '' ? '' : `: ${text}`}`;
  if (status === 401) return new McpError('unauthorized', message, { ...details, sent: false });
  if (request.hadSession && (status === 404 || (status === 400 && /session/i.test(text)))) {
    return new McpError('stale_session', message, { ...details, sent: false });
  }
  if (status === 429 || status >= 500) {
    const turnedAway = status === 429 || status === 503;
    return new McpError('unavailable', message, { ...details, sent: !turnedAway });
  }
  return new McpError('refused', message, { ...details, sent: false });
}

function classifyAnswer(error: ProtocolError, request: FailedRequest): McpError {
  const details = { code: error.code, data: error.data, cause: error };
  if (error.data === ANSWER_LOST) return new McpError('lost', error.message, { sent: true });
  if (request.hadSession && SESSION_CODES.has(error.code) && /session/i.test(error.message)) {
    return new McpError('stale_session', error.message, { ...details, sent: false });
  }
  return new McpError('refused', error.message, { ...details, sent: true });
}

/** One of ours, from the error or what caused it: fetch wraps what its sockets throw. */
function ownError(error: unknown): McpError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof McpError) return at;
  }
  return undefined;
}

/** The code of the operating system or of fetch, from the error or what caused it. */
function systemCode(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') return at.code;
  }
  return undefined;
}
