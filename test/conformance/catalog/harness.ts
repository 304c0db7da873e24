import { onTestFinished } from 'vitest';
import type { Failpoint } from '../../../src/domain/failpoint.js';
import type { ProjectionOptions } from '../../../src/storage/projections.js';
import type { Catalog, CatalogCapabilities } from '../../../src/storage/catalog.js';

/** One set of data and the ways to open it. */
export interface CatalogHarness {
  /** Opened on data that nobody else uses. */
  readonly catalog: Catalog;
  /** Closes `catalog`, or what replaced it, and opens the same data again. */
  reopen(): Promise<Catalog>;
  /** Opens a further instance on the same data, beside the others. */
  openAnother(): Promise<Catalog>;
  /** Closes whatever is open, and removes the data. */
  dispose(): Promise<void>;
}

/** What the suite needs to know of an engine. */
export interface CatalogSuite {
  /** Fresh, isolated and opened. */
  readonly create: (options: { readonly failpoint?: Failpoint }) => Promise<CatalogHarness>;
  readonly capabilities: CatalogCapabilities;
}

/** A harness that goes away with the test. */
export async function openHarness(
  suite: CatalogSuite,
  options: { readonly failpoint?: Failpoint } = {},
): Promise<CatalogHarness> {
  const harness = await suite.create(options);
  onTestFinished(() => harness.dispose());
  return harness;
}

/**
 * A fresh catalog that goes away with the test. Its projections are read at the head unless a
 * test says what they have to reflect, so that every engine returns the same.
 */
export async function openCatalog(suite: CatalogSuite): Promise<Catalog> {
  return readAtHead((await openHarness(suite)).catalog);
}

/** `catalog`, with `atLeast` the head at the time of the call where none is given. */
export function readAtHead(catalog: Catalog): Catalog {
  const { head } = catalog.log;
  type Read = (tenant: string, query: unknown, options?: ProjectionOptions) => Promise<unknown>;
  const atHead = async (tenant: string, options: ProjectionOptions = {}) => {
    const { signal, deadline, atLeast } = options;
    const limits = { ...(signal && { signal }), ...(deadline !== undefined && { deadline }) };
    return { ...limits, atLeast: atLeast ?? (await head(tenant, limits)).revision };
  };
  const { project, sharedServers, ...others } = catalog.projections;
  const reads = Object.entries(others).map(([name, method]) => {
    const read = method as Read;
    return [
      name,
      async (tenant: string, query: unknown, options?: ProjectionOptions) =>
        read(tenant, query, await atHead(tenant, options)),
    ];
  });
  return {
    ...catalog,
    projections: {
      ...(Object.fromEntries(reads) as typeof others),
      project,
      sharedServers: async (tenant, options) =>
        sharedServers(tenant, await atHead(tenant, options)),
    },
  };
}

/** The tenant of tests that need only one. */
export const TENANT = 'acme';
