import type { FetchLike } from '@modelcontextprotocol/client';
import { Agent, fetch as undiciFetch, ProxyAgent, type Dispatcher } from 'undici';

/** How requests to one server are made. */
export interface HttpFetchOptions {
  /** Address of an HTTP proxy, with credentials if it wants any; undefined for none. */
  readonly proxyUrl?: string;
  /** Milliseconds of silence after which an answer counts as lost. Default: none. */
  readonly readMs?: number;
}

/** A fetch and the sockets behind it. */
export interface HttpFetch {
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
  const timeouts = { headersTimeout: 0, bodyTimeout: options.readMs ?? 0 };
  const { proxyUrl } = options;
  const dispatcher: Dispatcher =
    proxyUrl === undefined ? new Agent(timeouts) : new ProxyAgent({ uri: proxyUrl, ...timeouts });
  return {
    // The types differ from those of the global fetch only in what nobody here uses.
    fetch: async (url: string | URL, init?: RequestInit) =>
      undiciFetch(url, { ...init, dispatcher } as Parameters<typeof undiciFetch>[1]),
    close: async () => dispatcher.destroy().catch(() => undefined),
  };
}
