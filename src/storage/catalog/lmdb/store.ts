import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { open, type Database, type RootDatabase } from 'lmdb';
import { SwitchboardError } from '../../../domain/errors.js';
import { checkData } from './check/check-data.js';
import { lockFolder, type FolderLock } from './folder-lock.js';
import { decodeMeta, encodeMeta, FORMAT, META_KEY, type Meta } from './meta.js';
import { prepareFolder, reserveRoom } from './prepare-folder.js';
import { textOf } from './store-error.js';
import { tableOf, type Table } from './table.js';
import { TABLES, VERSION_OF, type TableName } from './tables.js';

/** Address space to begin with, in bytes; lmdb takes more when it is used up. */
const INITIAL_MAP_BYTES = 1024 * 1024 * 1024;

/**
 * One LMDB environment and its tables. Values are JSON text (`keys.ts` has the keys):
 * - heads: tenant → where its log ends; the entry's version is that revision
 * - marks: tenant → its compaction mark; the entry's version is the mark
 * - log: tenant, epoch, revision of the first commit → document (`document.ts`)
 * - servers: tenant, id → record
 * - tombstones: tenant, id → tombstone; one that also has a record is out of force
 * - deleted: tenant, name, revision of the deletion, id → id; out of force with its tombstone
 * - versions: tenant, id, generation → version
 * - accessSteps: tenant, id, revision → change of access
 * - grants: tenant, id, subject → grant
 * - index: tenant, kind, value, id → id
 * - loads: tenant, user → load record
 * - sources: tenant → its private source
 * - answers: tenant, principal, request id → recorded answer
 * - answerTimes: tenant, time, revision → whose answer that is
 */
export interface LmdbStore extends Readonly<Record<TableName, Table>> {
  readonly root: RootDatabase<string, Buffer>;
  /** See `Meta`. */
  readonly incarnation: string;
  /** Closes the environment, and then lets other processes open the folder. */
  readonly close: () => Promise<void>;
}

/**
 * Opens, or creates, the store in `<dataDir>/catalog`. Throws CATALOG_UNAVAILABLE if the
 * folder cannot be made or written, another process has it open, there is no room for a new
 * one, what it holds is damaged, or it is of another format than this version knows. All that
 * is in the folder is read, unless this process has it open already.
 *
 * lmdb's `overlappingSync` is off: it would show a commit to readers before it is on the
 * disk, and so let them act on what a power cut takes back. Without it what is
 * visible is durable, and a commit's promise is that of its flush. `eventTurnBatching` is
 * off: it makes a promise of its own, which nobody can take care of when a commit fails,
 * and `GroupWriter` does its work.
 */
export function openStore(dataDir: string): LmdbStore {
  const folder = join(dataDir, 'catalog');
  const lock = claim(folder);
  try {
    if (lock.isFirst) checkFolder(folder);
    return openEnvironment(folder, lock);
  } catch (cause) {
    lock.release();
    throw cause;
  }
}

/** Makes the folder, and makes sure that only this process has it open. */
function claim(folder: string): FolderLock {
  return orUnusable(folder, 'it cannot be used', () => {
    prepareFolder(folder);
    return lockFolder(folder);
  });
}

/** What LMDB would not survive is refused before it is called. */
function checkFolder(folder: string): void {
  orUnusable(folder, 'it cannot be used', () => {
    const data = join(folder, 'data.mdb');
    // A crash may leave an empty file, which LMDB takes for none.
    const isNew = (statSync(data, { throwIfNoEntry: false })?.size ?? 0) === 0;
    reserveRoom(folder, isNew);
    if (!isNew) checkData(data);
  });
}

function openEnvironment(folder: string, lock: FolderLock): LmdbStore {
  const root = orUnusable(folder, 'LMDB cannot open it', () =>
    open<string, Buffer>(folder, {
      ...TABLE_OPTIONS,
      noSubdir: false,
      overlappingSync: false,
      eventTurnBatching: false,
      mapSize: INITIAL_MAP_BYTES,
      maxDbs: 16,
    }),
  );
  const close = async (): Promise<void> => {
    await root.close();
    lock.release();
  };
  try {
    const opened = orUnusable(folder, 'LMDB cannot read it', () => openTables(root));
    return { ...opened, root, close };
  } catch (cause) {
    void root.close();
    throw cause;
  }
}

const TABLE_OPTIONS = { encoding: 'string', keyEncoding: 'binary' } as const;

type Tables = Omit<LmdbStore, 'root' | 'close'>;

function openTables(root: RootDatabase<string, Buffer>): Tables {
  const database = (name: string, useVersions: boolean): Database<string, Buffer> =>
    root.openDB<string, Buffer>({ ...TABLE_OPTIONS, name, useVersions });
  const { incarnation } = readMeta(database('meta', false));
  const tables = Object.fromEntries(
    TABLES.map((name) => [name, tableOf(name, database(name, VERSION_OF[name] !== undefined))]),
  ) as Record<TableName, Table>;
  return { ...tables, incarnation };
}

/** Reads what the store is, or says so if it is new: in one transaction, so that one of two wins. */
function readMeta(database: Database<string, Buffer>): Meta {
  return database.transactionSync(() => {
    const stored = database.get(META_KEY);
    if (stored === undefined) {
      const meta: Meta = { format: FORMAT, incarnation: randomUUID() };
      database.putSync(META_KEY, encodeMeta(meta));
      return meta;
    }
    const meta = decodeMeta(stored);
    if (meta === undefined) throw new Error('its format entry is damaged');
    return meta;
  });
}

/** What `body` returns; CATALOG_UNAVAILABLE for whatever it throws. */
function orUnusable<T>(folder: string, what: string, body: () => T): T {
  try {
    return body();
  } catch (cause) {
    const text = `the catalog in ${folder}: ${what}: ${textOf(cause)}`;
    throw new SwitchboardError('CATALOG_UNAVAILABLE', text, { cause });
  }
}
