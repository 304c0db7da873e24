import type { Role } from '../../domain/caller.js';
import {
  ConnectionServiceService,
  RegistryServiceService,
} from '../../wire/service-definitions.js';
import type { AnyMethod, RequestOf } from './methods.js';

/** What a method demands of a call before a handler sees its request. */
export interface MethodRule<Q> {
  /** The least role of the caller. A use case may demand a higher one for what it is asked. */
  readonly role: Role;
  readonly tenant: TenantPlace<Q>;
}

/** Where a request names its tenant. */
export interface TenantPlace<Q> {
  /** The numbers of the fields that lead there, for requests that are not decoded yet. */
  readonly fields: readonly number[];
  /** The tenant as it is named, empty for the default one; undefined where none can be named. */
  readonly of: (request: Q) => string | undefined;
}

/** A rule for each method of a service: without one, its method does not compile. */
type RulesOf<D extends Readonly<Record<string, AnyMethod>>> = {
  readonly [K in keyof D]: MethodRule<RequestOf<D[K]>>;
};

const IN_REQUEST: TenantPlace<{ readonly tenant: string }> = {
  fields: [1],
  of: ({ tenant }) => tenant,
};

/** Of the messages of a node, the first one names the tenant of all. */
const IN_OPEN: TenantPlace<RequestOf<(typeof ConnectionServiceService)['sync']>> = {
  fields: [1, 1],
  of: ({ message }) => (message?.$case === 'open' ? message.value.tenant : undefined),
};

const READER = { role: 'reader', tenant: IN_REQUEST } as const;
const NODE = { role: 'node', tenant: IN_REQUEST } as const;
const ADMIN = { role: 'admin', tenant: IN_REQUEST } as const;

const REGISTRY_RULES: RulesOf<typeof RegistryServiceService> = {
  getServer: READER,
  batchGetServers: READER,
  listServers: READER,
  watchServers: READER,
  loadPrivateServers: READER,
  getPrivateLoadStatus: READER,
  getPrivateSource: READER,
  recordFacts: NODE,
  invalidateUser: NODE,
  createServer: ADMIN,
  updateServer: ADMIN,
  deleteServer: ADMIN,
  undeleteServer: ADMIN,
  applyServers: ADMIN,
  listServerVersions: ADMIN,
  rollbackServer: ADMIN,
  explainAccess: ADMIN,
  inspectServer: ADMIN,
  setAccess: ADMIN,
  grantAccess: ADMIN,
  revokeAccess: ADMIN,
  listGrants: ADMIN,
  promoteServer: ADMIN,
  demoteServer: ADMIN,
  purgeUser: ADMIN,
  renamePrivateSource: ADMIN,
  removePrivateSource: ADMIN,
};

const CONNECTION_RULES: RulesOf<typeof ConnectionServiceService> = {
  checkConnections: READER,
  sync: { role: 'reader', tenant: IN_OPEN },
};

const RULES = new Map<string, MethodRule<never>>([
  ...byPath(RegistryServiceService, REGISTRY_RULES),
  ...byPath(ConnectionServiceService, CONNECTION_RULES),
]);

/** The rule of a method. Throws for one that has none: it must not be served. */
export function ruleOf({ path }: AnyMethod): MethodRule<never> {
  const rule = RULES.get(path);
  if (rule === undefined) throw new Error(`${path} has no rule`);
  return rule;
}

function byPath<D extends Readonly<Record<string, AnyMethod>>>(
  definition: D,
  rules: RulesOf<D>,
): [string, MethodRule<never>][] {
  return Object.entries(definition).map(([name, { path }]) => [
    path,
    rules[name as keyof D] as MethodRule<never>,
  ]);
}
