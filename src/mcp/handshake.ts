import type { Client } from '@modelcontextprotocol/client';
import { TIMEOUT_DEFAULTS } from '../domain/config/spec.js';
import { classifyError } from './classify-error.js';
import { McpError, type McpErrorKind } from './mcp-error.js';
import type { McpTransport } from './transport.js';

/** Limits of a handshake. */
export interface HandshakeOptions {
  readonly signal?: AbortSignal;
  readonly connectMs?: number;
}

/** Kinds that mean the same while connecting as later; the others become `connect_failed`. */
const AS_THEY_ARE = new Set<McpErrorKind>([
  'not_allowed',
  'timeout',
  'unauthorized',
  'unavailable',
  'limit_exceeded',
  'aborted',
]);

/**
 * Starts the transport and shakes hands over it, within `connectMs` as a whole: the SDK
 * bounds only its requests, not the start of a process. Throws McpError. The transport
 * is the caller's to close.
 */
export async function handshake(
  client: Client,
  transport: McpTransport,
  options: HandshakeOptions,
): Promise<void> {
  const { signal, connectMs = TIMEOUT_DEFAULTS.connectMs } = options;
  if (signal?.aborted === true) throw aborted(signal);
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(aborted(signal));
  signal?.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => {
    const text = `not connected within ${String(connectMs)} ms`;
    stop.abort(new McpError('timeout', text, { sent: false }));
  }, connectMs);
  try {
    const connecting = client.connect(transport, { signal: stop.signal, timeout: connectMs });
    await Promise.race([connecting, stopped(stop.signal)]);
  } catch (error) {
    throw stop.signal.aborted ? stop.signal.reason : await connectError(error, transport);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

/** The error of a caller's signal. */
export function aborted(signal: AbortSignal | undefined): McpError {
  return new McpError('aborted', 'aborted by the caller', { sent: true, cause: signal?.reason });
}

async function stopped(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as McpError), { once: true });
  });
}

async function connectError(error: unknown, transport: McpTransport): Promise<McpError> {
  const classified = transport.endCause ?? classifyError(error, { hadSession: false });
  if (AS_THEY_ARE.has(classified.kind)) return classified;
  const exit = transport.endCause === undefined ? await transport.exitSoon?.() : undefined;
  const text = exit === undefined ? classified.message : `the process ended with ${exit}`;
  const { code, data, status, cause } = classified;
  return new McpError('connect_failed', text, {
    sent: false,
    cause,
    data,
    ...(code === undefined ? {} : { code }),
    ...(status === undefined ? {} : { status }),
  });
}
