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
