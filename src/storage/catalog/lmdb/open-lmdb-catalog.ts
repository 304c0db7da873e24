import { SwitchboardError } from '../../../domain/errors.js';
import { NO_FAILPOINT, type Failpoint } from '../../../domain/failpoint.js';
import { throwIfGivenUp, type CallOptions } from '../../call-options.js';
import type { Catalog, CatalogCapabilities } from '../../catalog.js';
import type { CommitLog } from '../../log.js';
import {
  logEndsBefore,
  type Projected,
  type ProjectionOptions,
  type Projections,
} from '../../projections.js';
import { append, type Appender } from './append.js';
import { compact } from './compact.js';
import { createGroupWriter } from './group-writer.js';
import { readHead, readNews, readPosition, readSlice, readTenants } from './log.js';
import {
  readAccessSteps,
  readAnswer,
  readDeleted,
  readInventory,
  readLoaded,
  readLoads,
  readNamed,
  readPrivate,
  readPrivateSource,
  readServerOrTombstone,
  readShared,
  readSet,
  readVersions,
} from './servers.js';
import { openStore, type LmdbStore } from './store.js';
import { toCatalogError } from './store-error.js';

export interface LmdbCatalogOptions {
  /** The catalog lies in the folder `catalog` of it. Made if it does not exist. */
  readonly dataDir: string;
  /**
   * `append.before` is called before anything is handed to LMDB, `append.beforeFlush` when
   * the batch has been and nothing of it is on the disk or visible yet, `append.afterFlush`
   * when all of it is. One that throws fails the append: NOT_WRITTEN, then OUTCOME_UNKNOWN.
   */
  readonly failpoint?: Failpoint;
}

export const LMDB_CAPABILITIES: CatalogCapabilities = Object.freeze({
  durable: true,
  sharing: 'PROCESS',
  atomicProjections: true,
});

const READ_LIMIT_BYTES = 1024 * 1024;

/**
 * Opens the Catalog in LMDB. Log and projections are written in one transaction;
 * concurrent appends, of any tenants, share transactions and flushes; what is visible to
 * anyone is on the disk. Throws CATALOG_UNAVAILABLE if the folder cannot be used, is of
 * another format, or is open in another process. Each `close` waits for the calls that have begun.
 */
export function openLmdbCatalog(options: LmdbCatalogOptions): Promise<Catalog> {
  return new Promise((resolve) => {
    const store = openStore(options.dataDir);
    const writer = createGroupWriter(store);
    const failpoint = options.failpoint ?? NO_FAILPOINT;
    resolve(createCatalog({ store, writer, failpoint }));
  });
}

function createCatalog(appender: Appender): Catalog {
  const { store } = appender;
  const calls = createCallGate(store);
  return {
    capabilities: LMDB_CAPABILITIES,
    log: createLog(appender, calls),
    projections: createProjections(store, calls),
    close: calls.close,
  };
}

function createLog(appender: Appender, calls: CallGate): CommitLog {
  const { store } = appender;
  return {
    head: (tenant, options) => calls.read(options, () => readHead(store, tenant)),
    newer: (held, options) =>
      calls.read(options, () => held.map((position) => readNews(store, position))),
    append: (tenant, batch, options = {}) =>
      calls.run(options, () => append(appender, tenant, { batch, options })),
    read: (tenant, after, options) =>
      calls.read(options, () =>
        readSlice(store, tenant, { after, limitBytes: options?.limitBytes ?? READ_LIMIT_BYTES }),
      ),
    positionAt: (tenant, revision, options) =>
      calls.read(options, () => readPosition(store, tenant, revision)),
    compact: (tenant, upTo, options) =>
      calls.run(options, () => compact(appender, tenant, { upTo, options })),
    tenants: (options) => calls.read(options, () => readTenants(store)),
  };
}

/** Written with the log, the projections reflect all of it. */
function createProjections(store: LmdbStore, calls: CallGate): Projections {
  const project = <T>(
    tenant: string,
    options: ProjectionOptions | undefined,
    value: () => T,
  ): Promise<Projected<T>> =>
    calls.read(options, () => {
      const { revision } = readHead(store, tenant);
      if (revision < (options?.atLeast ?? 0)) throw logEndsBefore(revision, options?.atLeast);
      return { from: revision, to: revision, value: value() };
    });

  return {
    project: (tenant, _upTo, options) =>
      calls.read(options, () => readHead(store, tenant).revision),
    serversById: (tenant, ids, options) =>
      project(tenant, options, () => ids.map((id) => readServerOrTombstone(store, tenant, id))),
    sharedServers: (tenant, options) => project(tenant, options, () => readShared(store, tenant)),
    privateServers: (tenant, subjects, options) =>
      project(tenant, options, () => readPrivate(store, tenant, subjects)),
    serversNamed: (tenant, query, options) =>
      project(tenant, options, () => readNamed(store, tenant, query)),
    deletedNamed: (tenant, query, options) =>
      project(tenant, options, () => readDeleted(store, tenant, query)),
    serversOfSet: (tenant, set, options) =>
      project(tenant, options, () => readSet(store, tenant, set)),
    versions: (tenant, query, options) =>
      project(tenant, options, () => readVersions(store, tenant, query)),
    accessSteps: (tenant, query, options) =>
      project(tenant, options, () => readAccessSteps(store, tenant, query)),
    inventory: (tenant, page, options) =>
      project(tenant, options, () => readInventory(store, tenant, page)),
    loadRecords: (tenant, users, options) =>
      project(tenant, options, () => readLoads(store, tenant, users)),
    privateSource: (tenant, options) =>
      project(tenant, options, () => readPrivateSource(store, tenant)),
    serversOfPrivateSource: (tenant, query, options) =>
      project(tenant, options, () => readLoaded(store, tenant, query)),
    answers: (tenant, requests, options) =>
      project(tenant, options, () => requests.map((request) => readAnswer(store, tenant, request))),
  };
}

/** Through it goes every call: it refuses, translates errors, and knows what is under way. */
interface CallGate {
  /** Reads within one snapshot, no older than the call. */
  read<T>(options: CallOptions | undefined, body: () => T): Promise<T>;
  run<T>(options: CallOptions | undefined, body: () => Promise<T>): Promise<T>;
  readonly close: () => Promise<void>;
}

function createCallGate(store: LmdbStore): CallGate {
  const underWay = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;

  const admit = (options: CallOptions | undefined): void => {
    if (closing !== undefined) throw new SwitchboardError('CLOSED', 'the catalog is closed');
    throwIfGivenUp(options);
  };
  const run = async <T>(options: CallOptions | undefined, body: () => Promise<T>): Promise<T> => {
    admit(options);
    const call = body();
    underWay.add(call);
    try {
      return await call;
    } catch (error) {
      throw toCatalogError(error);
    } finally {
      underWay.delete(call);
    }
  };
  // eslint-disable-next-line @typescript-eslint/require-await -- so that a throw becomes a rejection
  const read = async <T>(options: CallOptions | undefined, body: () => T): Promise<T> => {
    admit(options);
    try {
      store.root.resetReadTxn();
      return body();
    } catch (error) {
      throw toCatalogError(error);
    }
  };
  const shut = async (): Promise<void> => {
    await Promise.allSettled(underWay);
    await store.close();
  };
  return { read, run, close: () => (closing ??= shut()) };
}
