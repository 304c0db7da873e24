import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { isSwitchboardError } from '../../src/domain/errors.js';
import type { StoredServer } from '../../src/domain/server.js';
import { openLmdbCatalog } from '../../src/storage/catalog/lmdb/open-lmdb-catalog.js';
import type { Catalog } from '../../src/storage/catalog.js';
import { moreSeeds, printedSeed, randomFrom } from '../support/random.js';
import { scratchFolder } from '../support/scratch-folder.js';
import {
  damageOf,
  LAST_TRANSACTION_UNDONE,
  type DataDamage,
} from '../support/storage/data-damage.js';
import {
  appendAtHead,
  changeOf,
  creation,
  draftOf,
  grantsAt,
  recordOf,
} from '../support/storage/builders.js';
import { temporaryFolder } from '../support/storage/lmdb.js';

const TENANT = 'acme';
const SERVERS = 300;
const DAMAGES = 60;

/** A whole data file, and all that it says. */
let whole: Buffer;
let written: unknown;

beforeAll(async () => {
  const folder = await temporaryFolder();
  try {
    await write(folder.path);
    written = await readAll(folder.path);
    whole = await readFile(join(folder.path, 'catalog', 'data.mdb'));
  } finally {
    await folder.remove();
  }
});

describe('a damaged data file', () => {
  it('is refused, or gives all that was written, at random damage', async () => {
    const random = randomFrom(printedSeed('damage'));
    const opened = await tryEach(
      Array.from({ length: DAMAGES }, () => damageOf(random, whole.length)),
    );
    // What hits only free pages does no harm, and most damage hits others.
    expect(opened).toBeGreaterThan(0);
    expect(opened).toBeLessThan(DAMAGES / 2);
  });

  it.each(moreSeeds())('also with seed %i', async (seed) => {
    const random = randomFrom(seed);
    await tryEach(Array.from({ length: DAMAGES }, () => damageOf(random, whole.length)));
  });

  it('is refused when it lacks its last transaction', async () => {
    expect(await tryEach([LAST_TRANSACTION_UNDONE])).toBe(0);
  });
});

/** How many of the damaged files were opened; each of those has everything. */
async function tryEach(damages: readonly DataDamage[]): Promise<number> {
  let opened = 0;
  for (const damage of damages) {
    const path = scratchFolder();
    await mkdir(join(path, 'catalog'));
    await writeFile(join(path, 'catalog', 'data.mdb'), damage.apply(whole));
    const found = await readAll(path).catch((error: unknown) => refusalOf(error, path));
    if (found === undefined) continue;
    opened += 1;
    expect(found, damage.what).toEqual(written);
    // Damaged free pages must not be taken for what can be written to.
    await write(path);
    expect(await serversOf(path), damage.what).toHaveLength(2 * SERVERS);
  }
  return opened;
}

/** Nothing, if it was refused as it should be: which file, and what to do. */
function refusalOf(error: unknown, path: string): undefined {
  if (!isSwitchboardError(error, 'CATALOG_UNAVAILABLE')) throw error;
  expect(error.message).toContain(`${path}/catalog/data.mdb is damaged: `);
  expect(error.message).toContain('restore a backup');
}

/** Adds servers of all kinds, on shared and on large pages, some of them changed, one deleted. */
async function write(path: string): Promise<void> {
  await withCatalog(path, async (catalog) => {
    const { revision } = await catalog.log.head(TENANT);
    const records = Array.from({ length: SERVERS }, (_, at) =>
      recordOf({
        id: `s${String(revision)}-${String(at)}`,
        title: 'x'.repeat(at % 10 === 0 ? 5_000 : 20),
        ...(at % 3 === 0 ? { owner: `u${String(at % 7)}` } : {}),
        revision: revision + 1,
      }),
    );
    const granted = grantsAt(revision + 1, 'user:ana', 'group:ops');
    for (let at = 0; at < SERVERS; at += 50) {
      const created = records.slice(at, at + 50).map((record) => {
        return changeOf(undefined, record, record.tier === 'PRIVATE' ? { granted } : undefined);
      });
      const request = { principal: 'p', requestId: `${String(revision)}-${String(at)}` };
      await appendAtHead(
        catalog,
        TENANT,
        draftOf(created, { request: { ...request, bodyDigest: 'd' } }),
      );
    }
    await appendAtHead(catalog, TENANT, creation({ id: `gone-${String(revision)}` }));
    const gone = recordOf({ id: `gone-${String(revision)}` });
    const { outcome } = await appendAtHead(catalog, TENANT, draftOf(changeOf(gone, undefined)));
    const { head } = outcome;
    await catalog.log.compact(TENANT, head.revision - 4, { answersBefore: 0 });
  });
}

/** All that anybody can read. */
async function readAll(path: string): Promise<unknown> {
  return withCatalog(path, async (catalog) => {
    const { log, projections } = catalog;
    const head = await log.head(TENANT);
    const slice = await log.read(TENANT, head.revision - 4);
    const servers = await inventoryOf(catalog);
    const ids = servers.map(({ record }) => record.id);
    return {
      slice,
      servers,
      shared: await projections.sharedServers(TENANT),
      mine: await projections.privateServers(TENANT, ['user:ana', 'user:u0', 'user:u3']),
      byId: await projections.serversById(TENANT, [...ids, 'gone-0']),
      deleted: await projections.deletedNamed(TENANT, { name: 'gone-0', limit: 10 }),
      named: await Promise.all(
        ids.map((name) => projections.serversNamed(TENANT, { name, limit: 2 })),
      ),
      versions: await Promise.all(ids.map((id) => projections.versions(TENANT, { id, limit: 10 }))),
      answer: await projections.answers(TENANT, [{ principal: 'p', requestId: '0-250' }]),
    };
  });
}

function serversOf(path: string): Promise<readonly unknown[]> {
  return withCatalog(path, inventoryOf);
}

async function inventoryOf(catalog: Catalog): Promise<readonly StoredServer[]> {
  const page = { afterId: '', limit: 10 * SERVERS };
  return (await catalog.projections.inventory(TENANT, page)).value;
}

async function withCatalog<T>(path: string, body: (catalog: Catalog) => Promise<T>): Promise<T> {
  const catalog = await openLmdbCatalog({ dataDir: path });
  try {
    return await body(catalog);
  } finally {
    await catalog.close();
  }
}
