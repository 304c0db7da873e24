import { mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { open } from 'lmdb';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SwitchboardError } from '../../src/domain/errors.js';
import { checkedText, withChecksum } from '../../src/storage/catalog/lmdb/checksum.js';
import { keyOf } from '../../src/storage/catalog/lmdb/keys.js';
import { openLmdbCatalog } from '../../src/storage/catalog/lmdb/open-lmdb-catalog.js';
import type { Catalog } from '../../src/storage/catalog.js';
import {
  appendAtHead,
  changeOf,
  creation,
  draftOf,
  recordOf,
} from '../support/storage/builders.js';
import { temporaryFolder } from '../support/storage/lmdb.js';
import { TENANT } from './catalog/harness.js';
import { findAnswer, findServer, projectedAt } from '../support/storage/reads.js';

/** What LMDB cannot open. Left to itself, lmdb would end the process over each of these. */
const UNREADABLE: Record<string, (catalog: string) => Promise<string>> = {
  'not of LMDB': async (catalog) => replace(join(catalog, 'data.mdb'), Buffer.alloc(8_192, 7)),
  'cut off in its first page': async (catalog) => cut(join(catalog, 'data.mdb'), 100),
  'cut off before its second page': async (catalog) => cut(join(catalog, 'data.mdb'), 4_096),
  'a folder where the data should be': async (catalog) => folderAt(join(catalog, 'data.mdb')),
  'a folder where the lock should be': async (catalog) => folderAt(join(catalog, 'lock.mdb')),
};

describe('opening the LMDB catalog', () => {
  it('makes the folder, and those above it', async () => {
    const path = join(await folder(), 'a', 'b');
    const catalog = await opened(path);
    await appendAtHead(catalog, TENANT, creation());
    expect((await catalog.log.head(TENANT)).revision).toBe(1);
  });

  it('says which folder cannot be made', async () => {
    const path = join(await folder(), 'file');
    await writeFile(path, '');
    await expectUnavailable(openLmdbCatalog({ dataDir: path }), join(path, 'catalog'));
  });

  it('says which folder is none', async () => {
    const path = await folder();
    await writeFile(join(path, 'catalog'), '');
    await expectUnavailable(openLmdbCatalog({ dataDir: path }), join(path, 'catalog'));
  });

  it.each(Object.entries(UNREADABLE))('says which file is %s', async (_what, spoil) => {
    const path = await folder();
    await (await openLmdbCatalog({ dataDir: path })).close();
    const file = await spoil(join(path, 'catalog'));
    await expectUnavailable(openLmdbCatalog({ dataDir: path }), file);
  });

  it('takes an empty file for none: a crash may leave one', async () => {
    const path = await folder();
    await mkdir(join(path, 'catalog'));
    await writeFile(join(path, 'catalog', 'data.mdb'), '');
    const catalog = await opened(path);
    await appendAtHead(catalog, TENANT, creation());
    expect((await catalog.log.head(TENANT)).revision).toBe(1);
  });

  it.each([1, 5, 99])('refuses format %i and leaves it as it is', async (other) => {
    const path = await folder();
    await (await openLmdbCatalog({ dataDir: path })).close();
    const { format: known } = await changeMeta(path, { format: other }, other > 5);
    await expectUnavailable(openLmdbCatalog({ dataDir: path }), `format ${String(other)}`);
    expect((await changeMeta(path, { format: known })).format).toBe(other);
    await (await openLmdbCatalog({ dataDir: path })).close();
  });

  it('keeps the epochs of the tenants that have commits when the store has another identity', async () => {
    const path = await folder();
    const before = await openLmdbCatalog({ dataDir: path });
    await appendAtHead(before, TENANT, creation({ id: 'a' }));
    const [head, empty] = [await before.log.head(TENANT), await before.log.head('never-used')];
    await before.close();
    await changeMeta(path, { incarnation: 'another' });

    const after = await opened(path);
    expect((await after.log.head('never-used')).epoch).not.toBe(empty.epoch);
    expect(await after.log.head(TENANT)).toEqual(head);
    expect(await after.log.positionAt(TENANT, 0)).toMatchObject({ epoch: head.epoch });
    const held = [{ tenant: TENANT, position: head }];
    expect(await after.log.newer(held)).toMatchObject([{ isHeld: true, hasNewer: false }]);
    const { batch } = await appendAtHead(after, TENANT, creation({ id: 'b', revision: 2 }));
    const { commits } = await after.log.read(TENANT, 0);
    expect(commits).toHaveLength(2);
    expect(commits[1]).toEqual(batch.commits[0]);
    expect((await after.log.head(TENANT)).epoch).toBe(head.epoch);
  });

  it('two stores never share an epoch, nor two tenants of one', async () => {
    const catalogs = [await opened(await folder()), await opened(await folder())];
    const epochs = new Set<string>();
    for (const catalog of catalogs) {
      for (const tenant of ['a', 'b']) epochs.add((await catalog.log.head(tenant)).epoch);
    }
    expect(epochs.size).toBe(4);
  });

  it('two stores never see or touch what is in the other, whatever it is called [D4, F5]', async () => {
    const [near, far] = [await opened(await folder()), await opened(await folder())];
    const records = ['a', 'ab', '*', 'a:b'].map((id) => recordOf({ id, name: id, owner: id }));
    const all = records.map((record) => changeOf(undefined, record));
    for (const catalog of [near, far]) await appendAtHead(catalog, TENANT, draftOf(all));
    const [first] = records;
    await appendAtHead(near, TENANT, draftOf([changeOf(first, undefined)]));
    await appendAtHead(near, TENANT, creation({ id: 'new', revision: 3 }));
    expect((await far.log.head(TENANT)).revision).toBe(1);
    for (const record of records) {
      const found = await findServer(far, TENANT, record.id);
      expect(found).toEqual(projectedAt(1, { record, grants: [] }));
    }
    expect((await findServer(far, TENANT, 'new')).value).toBeUndefined();
  });
});

describe('reading the LMDB catalog', () => {
  it('refuses a value that is no longer what was written, and reads the others', async () => {
    const path = await folder();
    const catalog = await opened(path);
    await appendAtHead(catalog, TENANT, creation({ id: 'a', title: 'as written' }));
    await appendAtHead(catalog, TENANT, creation({ id: 'b', revision: 2 }));
    // LMDB opens a folder once in a process: this is the same store.
    const raw = open(join(path, 'catalog'), { overlappingSync: false, noSubdir: false });
    const options = { encoding: 'string', keyEncoding: 'binary' } as const;
    const servers = raw.openDB<string, Buffer>({ name: 'servers', ...options });
    const key = keyOf(TENANT, 'a');
    await servers.put(key, (servers.get(key) ?? '').replace('as written', 'as wished!'));
    await raw.close();

    const reading = findServer(catalog, TENANT, 'a');
    await expect(reading).rejects.toMatchObject({ reason: 'CATALOG_UNAVAILABLE' });
    expect((await findServer(catalog, TENANT, 'b')).value).toBeDefined();
  });
});

describe('compacting the LMDB catalog', () => {
  it('takes a log and answers that are longer than one step [P2, P3]', async () => {
    const catalog = await opened(await folder());
    const answered = (n: number) =>
      draftOf(changeOf(undefined, recordOf({ id: `s${String(n)}` })), {
        time: n,
        request: { principal: 'p', requestId: String(n), bodyDigest: 'd' },
      });
    for (let n = 1; n <= 520; n += 1) await appendAtHead(catalog, TENANT, answered(n));
    const last = await catalog.log.positionAt(TENANT, 519);
    expect(await catalog.log.compact(TENANT, 519, { answersBefore: 520 })).toBe(519);
    expect((await catalog.log.read(TENANT, 519)).commits).toHaveLength(1);
    expect(await catalog.log.positionAt(TENANT, 519)).toEqual(last);
    for (const [requestId, known] of [
      ['1', false],
      ['519', false],
      ['520', true],
    ] as const) {
      const { value } = await findAnswer(catalog, TENANT, { principal: 'p', requestId });
      expect(value !== undefined).toBe(known);
    }
    expect((await catalog.projections.sharedServers(TENANT)).value).toHaveLength(520);
  });
});

interface Meta {
  readonly format: number;
  readonly incarnation: string;
}

/** Changes what a closed store says of itself; returns what it said before. */
async function changeMeta(path: string, change: Partial<Meta>, isChecked = true): Promise<Meta> {
  const root = open(join(path, 'catalog'), { overlappingSync: false, noSubdir: false });
  const meta = root.openDB<string, Buffer>({
    name: 'meta',
    encoding: 'string',
    keyEncoding: 'binary',
  });
  const key = Buffer.from('meta');
  const held = meta.get(key) ?? '';
  const stored = JSON.parse(checkedText(key, held) ?? held) as Meta;
  const text = JSON.stringify({ ...stored, ...change });
  // Formats up to 5 had no checksums.
  await meta.put(key, isChecked ? withChecksum(key, text) : text);
  await root.close();
  return stored;
}

async function replace(file: string, bytes: Buffer): Promise<string> {
  await writeFile(file, bytes);
  return file;
}

async function cut(file: string, length: number): Promise<string> {
  await truncate(file, length);
  return file;
}

async function folderAt(path: string): Promise<string> {
  await rm(path);
  await mkdir(path);
  return path;
}

async function folder(): Promise<string> {
  const made = await temporaryFolder();
  onTestFinished(() => made.remove());
  return made.path;
}

async function opened(dataDir: string): Promise<Catalog> {
  const catalog = await openLmdbCatalog({ dataDir });
  onTestFinished(() => catalog.close());
  return catalog;
}

async function expectUnavailable(opening: Promise<Catalog>, text: string): Promise<void> {
  const error = await opening.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SwitchboardError);
  expect((error as SwitchboardError).reason).toBe('CATALOG_UNAVAILABLE');
  expect((error as SwitchboardError).message).toContain(text);
}
