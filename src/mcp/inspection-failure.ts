import { SdkError, SdkErrorCode } from '@modelcontextprotocol/client';
import type { InspectionFailureReason } from '../domain/facts.js';
import { McpError, type McpErrorKind } from './mcp-error.js';
import { TooLargeError } from './read-limit.js';

/** Why an inspection found nothing. */
export interface FailureText {
  readonly reason: InspectionFailureReason;
  /** For people. Nothing of what a server or a spec says is in it: that may be a secret. */
  readonly message: string;
}

/** Says what an error means for an inspection. Throws what is none of MCP. */
export function inspectionFailure(error: unknown): FailureText {
  if (error instanceof TooLargeError) return { reason: 'TOO_LARGE', message: error.message };
  if (!(error instanceof McpError)) throw error;
  return error.status === undefined ? FAILURES[error.kind](error) : statusFailure(error.status);
}

const FAILURES: Readonly<Record<McpErrorKind, (error: McpError) => FailureText>> = {
  unsupported: () => ({
    reason: 'NEEDS_NODE',
    message: 'the control plane does not speak its transport',
  }),
  not_allowed: ({ message }) => ({ reason: 'TRANSPORT_NOT_ALLOWED', message }),
  connect_failed: (error) => (isBroken(error) ? broken(error) : notMcp(error)),
  timeout: () => ({ reason: 'TIMEOUT', message: 'it did not answer everything in time' }),
  unauthorized: () => statusFailure(401),
  stale_session: broken,
  lost: broken,
  unavailable: broken,
  refused: notMcp,
  limit_exceeded: ({ message }) => ({ reason: 'TOO_LARGE', message }),
  invalid_answer: notMcp,
  aborted: broken,
  closed: broken,
};

function statusFailure(status: number): FailureText {
  const message = `it answered HTTP ${String(status)}`;
  if (status === 401 || status === 403 || status === 407)
    return { reason: 'UNAUTHORIZED', message };
  const isAway = status === 408 || status === 429 || status >= 500;
  return { reason: isAway ? 'UNREACHABLE' : 'INVALID_ANSWER', message };
}

function notMcp({ code }: McpError): FailureText {
  const told = code === undefined ? '' : ` (error ${String(code)})`;
  return { reason: 'INVALID_ANSWER', message: `what it answered is not what MCP says${told}` };
}

function broken(error: McpError): FailureText {
  const code = systemCode(error);
  const message = code === undefined ? 'the connection broke' : `it cannot be reached (${code})`;
  return { reason: 'UNREACHABLE', message };
}

/** Whether there was no connection, or none any more, as opposed to a bad answer over one. */
function isBroken(error: McpError): boolean {
  if (systemCode(error) !== undefined) return true;
  for (const at of causes(error)) {
    // With this fetch fails, and with it a body that was cut.
    if (at instanceof TypeError) return true;
    if (at instanceof SdkError && at.code === SdkErrorCode.ConnectionClosed) return true;
    if (at instanceof McpError && at.kind === 'lost') return true;
  }
  return /^the process ended/.test(error.message);
}

/** The code of the operating system, of TLS or of fetch. */
function systemCode(error: McpError): string | undefined {
  for (const at of causes(error)) {
    if (at instanceof SdkError || !('code' in at)) continue;
    if (typeof at.code === 'string' && /^[A-Z][A-Z0-9_]{2,60}$/.test(at.code)) return at.code;
  }
  return undefined;
}

function* causes(error: Error): Iterable<Error> {
  for (let at: unknown = error; at instanceof Error; at = at.cause) yield at;
}
