import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { open, type Database, type RootDatabase } from 'lmdb';
import { SwitchboardError } from '../../../domain/errors.js';
import { lockFolder } from './folder-lock.js';
import { inspectFolder } from './inspect-folder.js';
import { textOf } from './store-error.js';

/** What this version writes, and the only one that it reads. */
const FORMAT = 5;
const META_KEY = Buffer.from('meta');

/** Address space to begin with, in bytes; lmdb takes more when it is used up. */
const INITIAL_MAP_BYTES = 1024 * 1024 * 1024;

export type Table = Database<string, Buffer>;

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
export interface LmdbStore {
  readonly root: RootDatabase<string, Buffer>;
  readonly heads: Table;
  readonly marks: Table;
  readonly log: Table;
  readonly servers: Table;
  readonly tombstones: Table;
  readonly deleted: Table;
  readonly versions: Table;
  readonly accessSteps: Table;
  readonly grants: Table;
  readonly index: Table;
  readonly loads: Table;
  readonly sources: Table;
  readonly answers: Table;
  readonly answerTimes: Table;
  /** Random, of this store: the epoch of a tenant without commits is made of it. */
  readonly incarnation: string;
  /** Closes the environment, and then lets other processes open the folder. */
  readonly close: () => Promise<void>;
}

/**
 * Opens, or creates, the store in `<dataDir>/catalog`. Throws CATALOG_UNAVAILABLE if the
 * folder cannot be made or written, another process has it open, or it holds another format
 * than this version knows.
 *
 * lmdb's `overlappingSync` is off: it would show a commit to readers before it is on the
 * disk, and so let them act on what a power cut takes back. Without it what is
 * visible is durable, and a commit's promise is that of its flush. `eventTurnBatching` is
 * off: it makes a promise of its own, which nobody can take care of when a commit fails,
 * and `GroupWriter` does its work.
 */
export function openStore(dataDir: string): LmdbStore {
  const folder = join(dataDir, 'catalog');
  const unlock = claim(folder);
  try {
    return openEnvironment(folder, unlock);
  } catch (cause) {
    unlock();
    throw cause;
  }
}

/** Makes sure that LMDB can open the folder, and that only this process does. */
function claim(folder: string): () => void {
  try {
    inspectFolder(folder);
    return lockFolder(folder);
  } catch (cause) {
    throw unusable(folder, `it cannot be used: ${textOf(cause)}`, cause);
  }
}

function openEnvironment(folder: string, unlock: () => void): LmdbStore {
  let root: RootDatabase<string, Buffer>;
  try {
    root = open<string, Buffer>(folder, {
      ...TABLE_OPTIONS,
      noSubdir: false,
      overlappingSync: false,
      eventTurnBatching: false,
      mapSize: INITIAL_MAP_BYTES,
      maxDbs: 16,
    });
  } catch (cause) {
    throw unusable(folder, `LMDB cannot open it: ${textOf(cause)}`, cause);
  }
  const close = async (): Promise<void> => {
    await root.close();
    unlock();
  };
  try {
    return { ...openTables(root, folder), root, close };
  } catch (cause) {
    void root.close();
    throw cause instanceof SwitchboardError
      ? cause
      : unusable(folder, `LMDB cannot read it: ${textOf(cause)}`, cause);
  }
}

const TABLE_OPTIONS = { encoding: 'string', keyEncoding: 'binary' } as const;

type Tables = Omit<LmdbStore, 'root' | 'close'>;

function openTables(root: RootDatabase<string, Buffer>, folder: string): Tables {
  const table = (name: string, useVersions = false): Table =>
    root.openDB<string, Buffer>({ ...TABLE_OPTIONS, name, useVersions });
  const meta = readMeta(table('meta'));
  if (meta.format !== FORMAT) {
    const text =
      `it has format ${String(meta.format)}, this version knows ${String(FORMAT)} only; ` +
      'export its servers with the version that wrote it and apply them to an empty folder';
    throw unusable(folder, text);
  }
  return {
    heads: table('heads', true),
    marks: table('marks', true),
    log: table('log'),
    servers: table('servers'),
    tombstones: table('tombstones'),
    deleted: table('deleted'),
    versions: table('versions'),
    accessSteps: table('accessSteps'),
    grants: table('grants'),
    index: table('index'),
    loads: table('loads'),
    sources: table('sources'),
    answers: table('answers'),
    answerTimes: table('answerTimes'),
    incarnation: meta.incarnation,
  };
}

interface Meta {
  readonly format: number;
  readonly incarnation: string;
}

/** Reads what the store is, or says so if it is new: in one transaction, so that one of two wins. */
function readMeta(table: Table): Meta {
  return table.transactionSync(() => {
    const text = table.get(META_KEY);
    if (text !== undefined) return JSON.parse(text) as Meta;
    const meta: Meta = { format: FORMAT, incarnation: randomUUID() };
    table.putSync(META_KEY, JSON.stringify(meta));
    return meta;
  });
}

function unusable(folder: string, what: string, cause?: unknown): SwitchboardError {
  return new SwitchboardError('CATALOG_UNAVAILABLE', `the catalog in ${folder}: ${what}`, {
    cause,
  });
}
