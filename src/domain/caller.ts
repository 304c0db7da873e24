import { SwitchboardError } from './errors.js';

/** The tenant of requests that name none. */
export const DEFAULT_TENANT = 'default';

/** What a caller may do: read what a view shows; also record facts; also change all. */
export type Role = 'reader' | 'node' | 'admin';

/** For whom a request acts. An argument of every use case. */
export interface Caller {
  /** Who it is, for the history and for request ids; `anonymous` without credentials. */
  readonly principal: string;
  /** The tenants it may act in; undefined for all. */
  readonly tenants: readonly string[] | undefined;
  readonly roles: readonly Role[];
}

/** The caller of a server that demands no credentials. It may do everything. */
export const ANONYMOUS: Caller = {
  principal: 'anonymous',
  tenants: undefined,
  roles: ['reader', 'node', 'admin'],
};

/** Each role may do what those below it may. */
const RANK: Readonly<Record<Role, number>> = { reader: 0, node: 1, admin: 2 };

/** Throws PERMISSION_DENIED unless the caller has the role, or one above it. */
export function demandRole({ roles }: Caller, role: Role): void {
  if (!roles.some((held) => RANK[held] >= RANK[role]))
    throw new SwitchboardError('PERMISSION_DENIED', `this needs the role ${role}`);
}

/** Throws PERMISSION_DENIED unless the caller may act in the tenant. */
export function demandTenant({ tenants }: Caller, tenant: string): void {
  if (tenants !== undefined && !tenants.includes(tenant))
    throw new SwitchboardError('PERMISSION_DENIED', 'this credential is not for this tenant');
}
