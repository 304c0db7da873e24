import { SdkError, SdkErrorCode } from '@modelcontextprotocol/client';
import { describe, expect, it } from 'vitest';
import { inspectionFailure } from '../../../src/mcp/inspection-failure.js';
import { McpError, type McpErrorDetails, type McpErrorKind } from '../../../src/mcp/mcp-error.js';
import { TooLargeError } from '../../../src/mcp/read-limit.js';

const SECRET = 's3cret';

function failureOf(kind: McpErrorKind, details: Partial<McpErrorDetails> = {}) {
  return inspectionFailure(new McpError(kind, SECRET, { sent: false, data: SECRET, ...details }));
}

/** As fetch fails: the reason of the operating system is further down. */
function systemError(code: string): Error {
  const cause = Object.assign(new Error(SECRET), { code });
  const failed = new TypeError('fetch failed', { cause });
  return new SdkError(SdkErrorCode.EraNegotiationFailed, SECRET, undefined, { cause: failed });
}

describe('the failure of an inspection', () => {
  it.each([
    ['timeout', {}, 'TIMEOUT'],
    ['unauthorized', {}, 'UNAUTHORIZED'],
    ['unauthorized', { status: 401 }, 'UNAUTHORIZED'],
    ['refused', { status: 403 }, 'UNAUTHORIZED'],
    ['connect_failed', { status: 407 }, 'UNAUTHORIZED'],
    ['connect_failed', { status: 404 }, 'INVALID_ANSWER'],
    ['refused', { status: 400 }, 'INVALID_ANSWER'],
    ['unavailable', { status: 429 }, 'UNREACHABLE'],
    ['unavailable', { status: 503 }, 'UNREACHABLE'],
    ['lost', {}, 'UNREACHABLE'],
    ['closed', {}, 'UNREACHABLE'],
    ['stale_session', {}, 'UNREACHABLE'],
    ['refused', { code: -32603 }, 'INVALID_ANSWER'],
    ['invalid_answer', {}, 'INVALID_ANSWER'],
    ['connect_failed', { code: -32602 }, 'INVALID_ANSWER'],
    ['connect_failed', { cause: new SyntaxError(SECRET) }, 'INVALID_ANSWER'],
    ['connect_failed', { cause: systemError('ECONNREFUSED') }, 'UNREACHABLE'],
    ['connect_failed', { cause: systemError('SELF_SIGNED_CERT_IN_CHAIN') }, 'UNREACHABLE'],
    ['connect_failed', { cause: new TypeError('terminated') }, 'UNREACHABLE'],
    ['unsupported', {}, 'NEEDS_NODE'],
  ] as const)('%s %o is %s, and repeats nothing', (kind, details, reason) => {
    const failure = failureOf(kind, details);
    expect(failure.reason).toBe(reason);
    expect(failure.message).not.toContain(SECRET);
  });

  it('names the code of the system, of the server, and the status', () => {
    const refused = failureOf('connect_failed', { cause: systemError('ECONNREFUSED') });
    expect(refused.message).toBe('it cannot be reached (ECONNREFUSED)');
    expect(failureOf('refused', { code: -32603 }).message).toMatch(/\(error -32603\)$/);
    expect(failureOf('refused', { status: 404 }).message).toBe('it answered HTTP 404');
  });

  it('that is too much to read says so', () => {
    const failure = inspectionFailure(new TooLargeError('more than 64 pages of tools'));
    expect(failure).toEqual({ reason: 'TOO_LARGE', message: 'more than 64 pages of tools' });
  });

  it('that is a defect of ours is thrown', () => {
    const defect = new RangeError('ours');
    expect(() => inspectionFailure(defect)).toThrow(defect);
  });
});
