import type { PrivateSources } from '../../services/private-loads/private-source.js';
import { isLoopback, parseAddress } from '../option-values.js';
import { openGrpcSource } from './grpc-source.js';
import type { DeclaredSource } from './read-sources-file.js';

/** The private sources of all tenants that have one. */
export interface OpenedSources {
  readonly of: PrivateSources;
  /** Ends running loads with CLOSED. Closing twice is fine. */
  close(): Promise<void>;
}

/** Opens each source; none is connected to before its first load. */
export function openSources(declared: readonly DeclaredSource[]): OpenedSources {
  const opened = new Map(
    declared.map(({ tenant, source, policy }) => [
      tenant,
      { source: openGrpcSource(source), policy },
    ]),
  );
  return {
    of: (tenant) => opened.get(tenant),
    async close() {
      await Promise.all([...opened.values()].map(({ source }) => source.close()));
    },
  };
}

/** Names of the sources whose answers, and tokens, can be read on the way. */
export function unprotectedSources(declared: readonly DeclaredSource[]): readonly string[] {
  return declared
    .map(({ source }) => source)
    .filter(({ target, tls }) => tls === undefined && !isLoopback(parseAddress(target).host))
    .map(({ name }) => name);
}
