import { openLmdbCatalog } from '../../../src/storage/catalog/lmdb/open-lmdb-catalog.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import type { Subject } from '../../../src/domain/view.js';
import {
  appendAtHead,
  changeOf,
  draftOf,
  grantsAt,
  recordOf,
  type RecordParts,
} from '../../support/storage-builders.js';

/** A server to be, and to whom it is granted. */
export interface Seed extends RecordParts {
  readonly grantedTo?: readonly Subject[];
}

/** Servers that one commit creates. */
const PER_COMMIT = 1_000;

/** Opens the data of a control plane that does not run, for `body`. */
export async function withCatalog(
  dataDir: string,
  body: (catalog: Catalog) => Promise<void>,
): Promise<void> {
  const catalog = await openLmdbCatalog({ dataDir });
  try {
    await body(catalog);
  } finally {
    await catalog.close();
  }
}

/** Writes servers into the log, many to a commit. */
export async function fill(catalog: Catalog, tenant: string, seeds: Iterable<Seed>): Promise<void> {
  let waiting: Seed[] = [];
  const write = async (): Promise<void> => {
    const { revision } = await catalog.head(tenant);
    const changes = waiting.map(({ grantedTo = [], ...parts }) =>
      changeOf(undefined, recordOf({ ...parts, revision: revision + 1 }), {
        granted: grantsAt(revision + 1, ...grantedTo),
      }),
    );
    waiting = [];
    await appendAtHead(catalog, tenant, draftOf(changes));
  };
  for (const seed of seeds) {
    waiting.push(seed);
    if (waiting.length === PER_COMMIT) await write();
  }
  if (waiting.length > 0) await write();
}
