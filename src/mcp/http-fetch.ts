import type { FetchLike } from '@modelcontextprotocol/client';
import type { AddressGuard } from './address-guard.js';
import { Agent, buildConnector, fetch as undiciFetch } from 'undici';
import type { HttpTarget } from './connect-target.js';
import { fetchWithOwnSignal } from './fetch-with-own-signal.js';
import { openTunnel, type TunnelRoute } from './tunnel.js';

/** How requests to one server are made. */
export interface HttpFetchOptions {
  /** Address of a proxy, with credentials if it wants any; undefined for none. */
  readonly proxyUrl?: string;
  /** Milliseconds of silence after which an answer counts as lost. Default: none. */
  readonly readMs?: number;
  /** Checks every address that is connected to, also after redirects; undefined for none. */
  readonly guard?: AddressGuard;
}

/** By which way requests to a target are made. */
export function routeOf({ proxyUrl, guard }: HttpTarget): HttpFetchOptions {
  return {
    ...(proxyUrl === undefined ? {} : { proxyUrl }),
    ...(guard === undefined ? {} : { guard }),
  };
}

/** A fetch and the sockets behind it. */
export interface HttpFetch {
  /** Whoever gets an answer reads its body to the end, or cancels it. */
  readonly fetch: FetchLike;
  /** Cuts what is open. Never throws. */
  readonly close: () => Promise<void>;
}

/**
 * Makes a fetch with sockets of its own. That of Node gives up on answers that begin late
 * or are silent for five minutes, which no setting changes; how long a call may take is
 * said by its own time-out.
 */
export function createHttpFetch(options: HttpFetchOptions = {}): HttpFetch {
  const { readMs = 0 } = options;
  const stop = new AbortController();
  const dispatcher = new Agent({
    headersTimeout: 0,
    bodyTimeout: readMs,
    connect: connectorOf(options, stop.signal),
  });
  return {
    // The types differ from those of the global fetch only in what nobody here uses.
    fetch: fetchWithOwnSignal(async (url: string | URL, init?: RequestInit) =>
      undiciFetch(url, { ...init, dispatcher } as Parameters<typeof undiciFetch>[1]),
    ),
    close: async () => {
      stop.abort();
      await dispatcher.destroy().catch(() => undefined);
    },
  };
}

function connectorOf(
  { proxyUrl, guard }: HttpFetchOptions,
  signal: AbortSignal,
): buildConnector.connector {
  const connect =
    proxyUrl !== undefined
      ? connectThrough(proxyUrl, { signal, ...(guard === undefined ? {} : { guard }) })
      : buildConnector(guard === undefined ? {} : lookingUp(guard));
  if (guard === undefined) return connect;
  return (options, callback) => {
    try {
      guard.checkHost(options.hostname);
    } catch (error) {
      callback(error as Error, null);
      return;
    }
    connect(options, callback);
  };
}

/** It passes on to `net.connect` what it does not know itself, which its types do not say. */
function lookingUp({ lookup }: AddressGuard): buildConnector.BuildOptions {
  return { lookup };
}

function connectThrough(proxyUrl: string, route: TunnelRoute): buildConnector.connector {
  const secure = buildConnector({});
  return (options, callback) => {
    const { protocol, hostname } = options;
    const isSecure = protocol === 'https:';
    const end = { host: hostname, port: Number(options.port || (isSecure ? 443 : 80)) };
    openTunnel(proxyUrl, end, route).then(
      (socket) => {
        if (isSecure) secure({ ...options, httpSocket: socket }, callback);
        else callback(null, socket);
      },
      (error: unknown) => callback(error as Error, null),
    );
  };
}
