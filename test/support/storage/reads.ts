import type { RecordedAnswer } from '../../../src/domain/projection/project-commit.js';
import type { StoredServer, Tombstone } from '../../../src/domain/server.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import type { CommitLog } from '../../../src/storage/log.js';
import type {
  Projected,
  ProjectionOptions,
  Projections,
  RequestId,
} from '../../../src/storage/projections.js';

/** One server, or what is left of it. */
export async function findServer(
  catalog: Catalog,
  tenant: string,
  id: string,
  options?: ProjectionOptions,
): Promise<Projected<StoredServer | Tombstone | undefined>> {
  const { from, to, value } = await catalog.projections.serversById(tenant, [id], options);
  return { from, to, value: value[0] };
}

/** The recorded answer to one request. */
export async function findAnswer(
  catalog: Catalog,
  tenant: string,
  request: RequestId,
  options?: ProjectionOptions,
): Promise<Projected<RecordedAnswer | undefined>> {
  const { from, to, value } = await catalog.projections.answers(tenant, [request], options);
  return { from, to, value: value[0] };
}

/** What a projection returns that reflects one revision exactly. */
export function projectedAt<T>(revision: number, value: T): Projected<T> {
  return { from: revision, to: revision, value };
}

/** The methods of both contracts: they have no name in common. */
export type CatalogMethods = CommitLog & Projections;

/** `catalog` with some of its methods replaced. */
export function withMethods(catalog: Catalog, methods: Partial<CatalogMethods>): Catalog {
  return {
    ...catalog,
    log: { ...catalog.log, ...methods },
    projections: { ...catalog.projections, ...methods },
  };
}
