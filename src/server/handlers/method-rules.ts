import type { Role } from '../../domain/caller.js';
import {
  ConnectionServiceService,
  RegistryServiceService,
} from '../../wire/service-definitions.js';
import { tenantToOpen } from '../../wire/node-messages.js';
import { type AnyMethod, nameOf, type RequestOf } from '../grpc/methods.js';

/** What a method demands of a call before a handler sees its request. */
export interface MethodRule<Q> {
  /** The least role of the caller. A use case may demand a higher one for what it is asked. */
  readonly role: Role;
  readonly tenant: TenantPlace<Q>;
  /** The most bytes of a message; undefined for as many as the server takes of any. */
  readonly maxBytes: number | undefined;
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
const IN_OPEN = { fields: [1, 1], of: tenantToOpen };

/** Has room for a view of 256 groups with ids of 256 characters. */
const SMALL_BYTES = 256 * 1024;
/** Has room for one server, for 1000 keys, or for what an inspection found. */
const MEDIUM_BYTES = 2 * 1024 * 1024;

const READER = { role: 'reader', tenant: IN_REQUEST, maxBytes: SMALL_BYTES } as const;
const NODE = { role: 'node', tenant: IN_REQUEST, maxBytes: SMALL_BYTES } as const;
const ADMIN = { role: 'admin', tenant: IN_REQUEST, maxBytes: SMALL_BYTES } as const;

/** For requests with a server, or with many small things. */
function medium<R extends MethodRule<never>>(rule: R): R {
  return { ...rule, maxBytes: MEDIUM_BYTES };
}

/** For requests with lists of which the server takes thousands. */
function large<R extends MethodRule<never>>(rule: R): R {
  return { ...rule, maxBytes: undefined };
}

const REGISTRY_RULES: RulesOf<typeof RegistryServiceService> = {
  getServer: READER,
  batchGetServers: medium(READER),
  listServers: READER,
  watchServers: large(READER),
  loadPrivateServers: READER,
  getPrivateLoadStatus: READER,
  getPrivateSource: READER,
  recordFacts: medium(NODE),
  invalidateUser: NODE,
  createServer: medium(ADMIN),
  updateServer: medium(ADMIN),
  deleteServer: ADMIN,
  undeleteServer: ADMIN,
  applyServers: large(ADMIN),
  listServerVersions: ADMIN,
  rollbackServer: ADMIN,
  explainAccess: ADMIN,
  inspectServer: ADMIN,
  setAccess: large(ADMIN),
  grantAccess: large(ADMIN),
  revokeAccess: large(ADMIN),
  listGrants: ADMIN,
  promoteServer: medium(ADMIN),
  demoteServer: large(ADMIN),
  purgeUser: ADMIN,
  renamePrivateSource: ADMIN,
  removePrivateSource: ADMIN,
};

const CONNECTION_RULES: RulesOf<typeof ConnectionServiceService> = {
  checkConnections: large(READER),
  sync: { role: 'reader', tenant: IN_OPEN, maxBytes: undefined },
};

const RULES = new Map<string, MethodRule<never>>([
  ...byPath(RegistryServiceService, REGISTRY_RULES),
  ...byPath(ConnectionServiceService, CONNECTION_RULES),
]);

/** The limit of a request of each method that has one, by its name in the proto. */
export const METHOD_LIMITS: Readonly<Record<string, number>> = Object.fromEntries(
  [...RULES].flatMap(([path, { maxBytes }]) =>
    maxBytes === undefined ? [] : [[nameOf(path), maxBytes]],
  ),
);

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
