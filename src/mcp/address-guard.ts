import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import {
  addressRefusal,
  hostOf,
  hostRefusal,
  proxyRefusal,
  stdioRefusal,
  type TransportPolicy,
  type TransportRefusal,
} from '../domain/transport-policy.js';
import { McpError } from './mcp-error.js';

/**
 * Holds one connection, with all its requests, redirects and reconnects, to transport policies.
 * What it checks throws `not_allowed`, the refusal being the `data` of the error.
 */
export interface AddressGuard {
  /** Checks that a process may be started. */
  checkProcess(): void;
  /** Checks the host of a URL before it is resolved; all that there is to check of an address. */
  checkHost(host: string): void;
  /** Checks the host of a target, and of its proxy if it has one. */
  checkTarget(target: { readonly url: string; readonly proxyUrl: string | undefined }): void;
  /**
   * Resolves a name for `net.connect`, which connects to the addresses that it gets from here and
   * no others: a name that leads elsewhere the next time gains nothing. A name of which any address
   * is refused is refused as a whole.
   */
  readonly lookup: LookupFunction;
}

/** A guard by which each of `policies` has to allow a connect. `resolve` is that of the system. */
export function createAddressGuard(
  policies: readonly TransportPolicy[],
  resolve: LookupFunction = systemLookup,
): AddressGuard {
  const check = (refuse: (policy: TransportPolicy) => TransportRefusal | undefined): void => {
    for (const policy of policies) {
      const refusal = refuse(policy);
      if (refusal !== undefined) throw notAllowed(refusal);
    }
  };
  const checkHost = (host: string): void => check((policy) => hostRefusal(policy, host, 'url'));
  return {
    checkProcess: () => check(stdioRefusal),
    checkHost,
    checkTarget: ({ url, proxyUrl }) => {
      checkHost(hostOf(url) ?? '');
      if (proxyUrl !== undefined) check((policy) => proxyRefusal(policy, hostOf(proxyUrl) ?? ''));
    },
    lookup: (host, options, callback) => {
      resolve(host, options, (error, found, family) => {
        if (error !== null) {
          callback(error, found, family);
          return;
        }
        try {
          for (const address of addressesOf(found))
            check((policy) => addressRefusal(policy, { host, address, field: 'url' }));
        } catch (refusal) {
          callback(refusal as NodeJS.ErrnoException, '', 0);
          return;
        }
        callback(null, found, family);
      });
    },
  };
}

function addressesOf(found: string | readonly LookupAddress[]): readonly string[] {
  return typeof found === 'string' ? [found] : found.map(({ address }) => address);
}

function notAllowed(refusal: TransportRefusal): McpError {
  return new McpError('not_allowed', refusal.message, { sent: false, data: refusal });
}
