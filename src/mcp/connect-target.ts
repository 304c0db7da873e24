import type { AddressGuard } from './address-guard.js';

/**
 * Where to connect: a spec's transport with every value put together. Holds secrets;
 * never log one. `secrets` are the values in it that are in no spec: those of references and of
 * the credentials hook. They are in no error, event or report of the connection.
 */
export type ConnectTarget = StdioTarget | HttpTarget;

/** A process to start, spoken to over its standard input and output. */
export interface StdioTarget {
  readonly kind: 'stdio';
  /** Found on the PATH of `env`. */
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment of the process. */
  readonly env: Readonly<Record<string, string>>;
  /** Undefined for our own folder. */
  readonly cwd?: string;
  readonly stderr: 'ignore' | 'inherit' | 'pipe';
  readonly secrets?: readonly string[];
  /** What has to allow it; undefined for nothing. */
  readonly guard?: AddressGuard;
}

/** An address to speak to. */
export interface HttpTarget {
  readonly kind: 'streamable_http' | 'sse' | 'websocket';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Address of an http, https, socks4 or socks5 proxy; undefined for none. */
  readonly proxyUrl?: string;
  readonly secrets?: readonly string[];
  /** What has to allow every address that is connected to; undefined for nothing. */
  readonly guard?: AddressGuard;
}
