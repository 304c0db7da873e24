import { McpError, type McpErrorKind } from './mcp-error.js';

/**
 * Close codes that say more than that the server went away: those that IANA lists, and
 * the HTTP status plus 4000, as servers use the private range.
 */
const KINDS: Readonly<Partial<Record<number, McpErrorKind>>> = {
  1013: 'unavailable',
  3000: 'unauthorized',
  3003: 'refused',
  4401: 'unauthorized',
  4403: 'refused',
  4429: 'unavailable',
  4503: 'unavailable',
};

/** What the end of an open WebSocket means for the requests that wait for an answer. */
export function closeError(code: number, reason: string): McpError {
  const text = `the server closed with ${String(code)}${reason === '' ? '' : `: ${reason}`}`;
  // 1006 is never sent: it stands for an end without a close frame.
  const message = code === 1006 ? 'the connection broke' : text;
  return new McpError(KINDS[code] ?? 'lost', message, { sent: true });
}
