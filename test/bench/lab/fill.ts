import { setImmediate as nextTurn } from 'node:timers/promises';
import { positionOf } from '../../../src/domain/commit.js';
import type { ServerRecord } from '../../../src/domain/server.js';
import type { Subject } from '../../../src/domain/view.js';
import { openLmdbCatalog } from '../../../src/storage/catalog/lmdb/open-lmdb-catalog.js';
import type { Catalog } from '../../../src/storage/catalog.js';
import { batchOf, changeOf, draftOf, grantsAt, recordOf } from '../../support/storage/builders.js';

/** A server to be: USER, or PRIVATE if it has an owner; and to whom it is granted. */
export interface Seed {
  readonly id: string;
  readonly name: string;
  readonly owner?: string;
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

/**
 * Writes servers into the log, many to a commit, while the next commit is being made. Ids
 * had better come in the order of the store: pages of LMDB then fill one after the other.
 */
export async function fill(catalog: Catalog, tenant: string, seeds: Iterable<Seed>): Promise<void> {
  let head = await catalog.log.head(tenant);
  let writing: Promise<unknown> = Promise.resolve();
  for (const some of inPieces(seeds, PER_COMMIT)) {
    const revision = head.revision + 1;
    const changes = some.map(({ grantedTo = [], ...seed }) =>
      changeOf(undefined, recordOfSeed(seed, revision), {
        granted: grantsAt(revision, ...grantedTo),
      }),
    );
    const batch = batchOf(head, [draftOf(changes)]);
    for (const commit of batch.commits) head = positionOf(head.epoch, commit);
    await writing;
    writing = catalog.log.append(tenant, batch).then(({ appended }) => {
      if (!appended) throw new Error('somebody else writes to this log');
    });
    // The catalog hands it to LMDB in the next turn, and LMDB has threads of its own.
    await nextTurn();
  }
  await writing;
}

const MODELS = {
  USER: recordOf({ tier: 'USER' }),
  PRIVATE: recordOf({ tier: 'PRIVATE', owner: '' }),
} as const;

/** All that can be is taken from a model: to hash the same spec for each is work for nothing. */
function recordOfSeed({ id, name, owner }: Seed, revision: number): ServerRecord {
  const model = owner === undefined ? MODELS.USER : { ...MODELS.PRIVATE, owner };
  const lastUpdatedAt = model.createTime + revision;
  const etags = { etag: `etag-${id}`, accessEtag: `access-${id}` };
  return { ...model, ...etags, id, name, generation: revision, lastUpdatedAt, revision };
}

function* inPieces<T>(items: Iterable<T>, size: number): Iterable<readonly T[]> {
  let piece: T[] = [];
  for (const item of items) {
    piece.push(item);
    if (piece.length < size) continue;
    yield piece;
    piece = [];
  }
  if (piece.length > 0) yield piece;
}
