import { connectionScope } from './connection-scope.js';
import { canonicalJson, digestText } from '../digest.js';
import type { Declaration } from '../server.js';
import type { ServerSpec } from './spec.js';

/**
 * Which fields of a spec matter to a connection. `true`: a change makes connections
 * stale. Typed so that a new field does not compile until it is decided here. `enabled`
 * does not count: a disabled server has no connections at all.
 */
export const CONNECTION_FIELDS: Readonly<Record<keyof ServerSpec, boolean>> = {
  transport: true,
  title: false,
  description: false,
  version: false,
  icons: false,
  websiteUrl: false,
  enabled: false,
  startup: false,
  timeouts: true,
  instructions: false,
  requiresOAuth: true,
  oauth: true,
  userVariables: false,
  proxyUrl: true,
  toolFilter: false,
  labels: false,
  annotations: false,
};

/** Digest of the connection scope and of the fields that matter to a connection. */
export function configHash(declared: Pick<Declaration, 'tier' | 'spec'>): string {
  const { scope } = connectionScope(declared.tier, declared.spec);
  const matters = Object.entries(declared.spec).filter(
    ([field, value]) => value !== undefined && CONNECTION_FIELDS[field as keyof ServerSpec],
  );
  return digestText('config', scope, canonicalJson(Object.fromEntries(matters)));
}
