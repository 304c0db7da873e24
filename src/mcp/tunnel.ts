import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, isIPv6, type Socket } from 'node:net';
import { SocksClient } from 'socks';
import { MAX_TIMER_MS } from '../domain/timer.js';
import type { AddressGuard } from './address-guard.js';
import { McpError } from './mcp-error.js';

/** Where a tunnel leads. */
export interface TunnelEnd {
  /** A name or an address, without brackets. The proxy looks names up. */
  readonly host: string;
  readonly port: number;
}

/** How the proxy is reached. */
export interface TunnelRoute {
  /** Ends the tunnel. */
  readonly signal: AbortSignal;
  /** Checks the addresses of the proxy; undefined for none. */
  readonly guard?: AddressGuard;
}

const SOCKS_PORT = 1080;
const SOCKS_TYPES: Partial<Record<string, 4 | 5>> = { 'socks4:': 4, 'socks5:': 5 };

/** Throws `unsupported` for a proxy that is not of http, https, socks4 or socks5. */
export function checkProxy(proxyUrl: string): void {
  const protocol = URL.canParse(proxyUrl) ? new URL(proxyUrl).protocol : 'no URL';
  if (['http:', 'https:', 'socks4:', 'socks5:'].includes(protocol)) return;
  throw new McpError('unsupported', `no proxy that we can speak to: ${protocol}`, { sent: false });
}

/**
 * Opens a connection through a proxy, which may have credentials in its address. Throws
 * `connect_failed` if the proxy refuses, else the error of the socket. Aborting ends it
 * and leaves nothing open.
 */
export async function openTunnel(
  proxyUrl: string,
  end: TunnelEnd,
  route: TunnelRoute,
): Promise<Socket> {
  const proxy = new URL(proxyUrl);
  const type = SOCKS_TYPES[proxy.protocol];
  const socket =
    type === undefined
      ? await throughHttp(proxy, end, route)
      : await throughSocks(proxy, end, { type, ...route });
  // Whoever takes it has its own listener, but not before the next turn.
  return socket.on('error', () => undefined);
}

async function throughHttp(
  proxy: URL,
  end: TunnelEnd,
  { signal, guard }: TunnelRoute,
): Promise<Socket> {
  const authority = `${isIPv6(end.host) ? `[${end.host}]` : end.host}:${String(end.port)}`;
  const { username, password } = credentialsOf(proxy);
  const basic = Buffer.from(`${username}:${password}`).toString('base64');
  const open = proxy.protocol === 'https:' ? httpsRequest : httpRequest;
  const request = open({
    host: hostOf(proxy),
    port: proxy.port,
    method: 'CONNECT',
    path: authority,
    headers: {
      host: authority,
      ...(username === '' ? {} : { 'proxy-authorization': `Basic ${basic}` }),
    },
    agent: false,
    lookup: guard?.lookup,
  });
  request.end();
  try {
    const answered = await once(request, 'connect', { signal });
    const [{ statusCode = 0 }, socket, head] = answered as [IncomingMessage, Socket, Buffer];
    if (statusCode !== 200) {
      socket.destroy();
      throw refused(`the proxy answered ${String(statusCode)}`, statusCode);
    }
    if (head.length > 0) socket.unshift(head);
    return socket;
  } catch (error) {
    request.on('error', () => undefined).destroy();
    throw error;
  }
}

async function throughSocks(
  proxy: URL,
  end: TunnelEnd,
  { type, signal, guard }: TunnelRoute & { readonly type: 4 | 5 },
): Promise<Socket> {
  const [host, port] = [hostOf(proxy), Number(proxy.port || SOCKS_PORT)];
  const { username, password } = credentialsOf(proxy);
  const socket = connect({ host, port, noDelay: true, lookup: guard?.lookup });
  const cut = (): void => void socket.destroy();
  signal.addEventListener('abort', cut, { once: true });
  try {
    await once(socket, 'connect', { signal });
    await SocksClient.createConnection({
      command: 'connect',
      destination: end,
      proxy: { host, port, type, ...(username === '' ? {} : { userId: username, password }) },
      // Destroyed by it on failure.
      existing_socket: socket,
      // Whoever connects bounds the attempt.
      timeout: MAX_TIMER_MS,
    }).catch((error: unknown) => {
      // Its own error carries the credentials.
      throw refused(`the proxy refused: ${(error as Error).message}`);
    });
    return socket;
  } finally {
    signal.removeEventListener('abort', cut);
  }
}

function credentialsOf(proxy: URL): { readonly username: string; readonly password: string } {
  const [username, password] = [proxy.username, proxy.password].map(decodeURIComponent);
  return { username: username ?? '', password: password ?? '' };
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

function refused(text: string, status?: number): McpError {
  const details = status === undefined ? { sent: false } : { sent: false, status };
  return new McpError('connect_failed', text, details);
}
