import {
  InsufficientScopeError,
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
} from '@modelcontextprotocol/client';
import { describe, expect, it } from 'vitest';
import { ANSWER_LOST, classifyError } from '../../../src/mcp/classify-error.js';
import { McpError } from '../../../src/mcp/mcp-error.js';

const http = (status: number, text = ''): SdkHttpError =>
  new SdkHttpError(SdkErrorCode.ClientHttpNotImplemented, 'failed', { status, text });

const system = (code: string): TypeError =>
  new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) });

const withSession = { hadSession: true };
const without = { hadSession: false };

describe('classifyError', () => {
  it.each([
    ['404 on a session', http(404), withSession, 'stale_session', false],
    ['404 without one', http(404), without, 'refused', false],
    [
      '400 that names the session',
      http(400, 'No valid session ID provided'),
      withSession,
      'stale_session',
      false,
    ],
    ['400 for another reason', http(400, 'Parse error'), withSession, 'refused', false],
    ['400 without a session', http(400, 'no session'), without, 'refused', false],
    ['401', http(401), withSession, 'unauthorized', false],
    ['403', http(403), withSession, 'refused', false],
    ['429', http(429), withSession, 'unavailable', false],
    ['503', http(503), withSession, 'unavailable', false],
    ['500', http(500), withSession, 'unavailable', true],
    [
      'a session refused in a 200',
      new ProtocolError(-32600, 'Invalid session'),
      withSession,
      'stale_session',
      false,
    ],
    [
      'the same without a session',
      new ProtocolError(-32600, 'Invalid session'),
      without,
      'refused',
      true,
    ],
    [
      'an error of the server',
      new ProtocolError(-32602, 'no such tool'),
      withSession,
      'refused',
      true,
    ],
    [
      'one of a tool about its own sessions',
      new ProtocolError(-32000, 'session expired'),
      withSession,
      'refused',
      true,
    ],
    [
      'an answer that cannot come',
      new ProtocolError(-32000, 'ended', ANSWER_LOST),
      withSession,
      'lost',
      true,
    ],
    ['a time-out', new SdkError(SdkErrorCode.RequestTimeout, 'x'), withSession, 'timeout', true],
    [
      'a connection that ended',
      new SdkError(SdkErrorCode.ConnectionClosed, 'x'),
      without,
      'lost',
      true,
    ],
    ['use after the end', new SdkError(SdkErrorCode.NotConnected, 'x'), without, 'closed', false],
    ['use after the end, untyped', new Error('Not connected'), without, 'closed', false],
    [
      'a result that is none',
      new SdkError(SdkErrorCode.InvalidResult, 'x'),
      without,
      'invalid_answer',
      true,
    ],
    ['a refused connection', system('ECONNREFUSED'), withSession, 'lost', false],
    ['an unknown host', system('ENOTFOUND'), without, 'lost', false],
    ['a reset', system('ECONNRESET'), withSession, 'lost', true],
    [
      'a broken pipe',
      Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }),
      without,
      'lost',
      true,
    ],
    ['what is no error', 'odd', without, 'lost', true],
  ] as const)('says of %s what it means', (_title, error, request, kind, sent) => {
    const classified = classifyError(error, request);
    expect([classified.kind, classified.sent]).toEqual([kind, sent]);
  });

  it('takes a 403 that asks for more scope as refused', () => {
    const error = new InsufficientScopeError({ requiredScope: 'write' });
    expect(classifyError(error, withSession)).toMatchObject({
      kind: 'refused',
      sent: false,
      status: 403,
    });
  });

  it('keeps code, status and data of the server, and our own errors as they are', () => {
    const answered = new ProtocolError(-32602, 'bad', { field: 'x' });
    expect(classifyError(answered, without)).toMatchObject({
      code: -32602,
      data: { field: 'x' },
      cause: answered,
    });
    expect(classifyError(http(500), without).status).toBe(500);
    const own = new McpError('timeout', 'x', { sent: true });
    expect(classifyError(own, without)).toBe(own);
    // Fetch wraps what its sockets throw.
    expect(classifyError(new TypeError('fetch failed', { cause: own }), without)).toBe(own);
  });
});
