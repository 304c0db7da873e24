import { type Tier } from '../../../generated/switchboard/v1/server.js';
import {
  declare,
  declarePrivate,
  httpSpec,
  openAdmin,
} from '../../support/grpc-admin/grpc-admin.js';

/** Which servers to make. */
export interface Population {
  readonly shared: number;
  readonly tier: Tier;
  /** Private servers of `owner`. */
  readonly own?: number;
  readonly owner?: string;
  /** Default: one that nobody reaches. */
  readonly url?: string;
}

/** Names of the servers that `declareServers` makes. */
export interface DeclaredNames {
  readonly shared: readonly string[];
  readonly own: readonly string[];
}

const TENANT = 'default';

/** Creates servers through the API, many at once. */
export async function declareServers(
  address: string,
  { shared, tier, own = 0, owner = '', url = 'https://tools.example/mcp' }: Population,
): Promise<DeclaredNames> {
  const admin = openAdmin(address);
  const spec = httpSpec(url, { title: 'Tools of the office' });
  const names: DeclaredNames = {
    shared: Array.from({ length: shared }, (_, index) => `shared-${String(index)}`),
    own: Array.from({ length: own }, (_, index) => `own-${String(index)}`),
  };
  await Promise.all([
    ...names.shared.map((name) => declare(admin, TENANT, { name, tier, spec })),
    ...names.own.map((name) => declarePrivate(admin, TENANT, { name, owner, spec })),
  ]);
  admin.close();
  return names;
}
