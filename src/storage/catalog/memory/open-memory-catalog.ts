import { randomUUID } from 'node:crypto';
import { samePosition } from '../../../domain/commit.js';
import { digestText } from '../../../domain/digest.js';
import { SwitchboardError } from '../../../domain/errors.js';
import { NO_FAILPOINT, type Failpoint } from '../../../domain/failpoint.js';
import { throwIfGivenUp, untilOutcomeUnknown, type CallOptions } from '../../call-options.js';
import type { Catalog, CatalogCapabilities } from '../../catalog.js';
import { demandBatch, type AppendOutcome, type CommitLog, type LogBatch } from '../../log.js';
import {
  logEndsBefore,
  type Projected,
  type ProjectionOptions,
  type Projections,
} from '../../projections.js';
import {
  findAnswer,
  findAccessSteps,
  findDeleted,
  findInventory,
  findLoaded,
  findLoads,
  findNamed,
  findOfSet,
  findPrivate,
  findPrivateSource,
  findServer,
  findShared,
  findVersions,
} from './queries.js';
import type { Rows } from './rows.js';
import {
  addBatch,
  compactTenant,
  createTenant,
  headOf,
  isInPlace,
  newsOf,
  positionIn,
  sliceOf,
  type MemoryTenant,
} from './tenant.js';

export interface MemoryCatalogOptions {
  /** As with LMDB: before anything is done, when it is being done, and when all can see it. */
  readonly failpoint?: Failpoint;
}

export const MEMORY_CAPABILITIES: CatalogCapabilities = Object.freeze({
  durable: false,
  sharing: 'NONE',
  atomicProjections: true,
});

const READ_LIMIT_BYTES = 1024 * 1024;

/** Opens a Catalog in the memory of this process: it begins empty and ends with `close`. */
export function openMemoryCatalog({ failpoint }: MemoryCatalogOptions = {}): Promise<Catalog> {
  return Promise.resolve(createCatalog(failpoint ?? NO_FAILPOINT));
}

type Find = (tenant: string) => MemoryTenant;

/** Every call goes through it. Its body runs in one turn of the event loop. */
type Call = <T>(options: CallOptions | undefined, body: () => T | Promise<T>) => Promise<T>;

function createCatalog(failpoint: Failpoint): Catalog {
  const incarnation = randomUUID();
  const tenants = new Map<string, MemoryTenant>();
  const underWay = new Set<Promise<unknown>>();
  let closing: Promise<unknown> | undefined;

  const call: Call = async (options, body) => {
    if (closing !== undefined) throw new SwitchboardError('CLOSED', 'the catalog is closed');
    throwIfGivenUp(options);
    const running = Promise.resolve(body());
    underWay.add(running);
    try {
      return await running;
    } finally {
      underWay.delete(running);
    }
  };
  // Of a tenant without commits nothing is kept: its epoch is the same at every reading.
  const find: Find = (tenant) =>
    tenants.get(tenant) ?? createTenant(digestText('epoch', incarnation, tenant));
  const append = async (
    name: string,
    batch: LogBatch,
    options: CallOptions,
  ): Promise<AppendOutcome> => {
    demandBatch(batch);
    await beforeAppend(failpoint);
    throwIfGivenUp(options);
    const tenant = find(name);
    if (!samePosition(headOf(tenant), batch.after)) {
      return { appended: isInPlace(tenant, batch), head: headOf(tenant) };
    }
    const flushing = (async () => failpoint('append.beforeFlush'))();
    addBatch(tenant, batch);
    tenants.set(name, tenant);
    const head = headOf(tenant);
    await untilOutcomeUnknown(afterAppend(failpoint, flushing), options);
    return { appended: true, head };
  };

  return {
    capabilities: MEMORY_CAPABILITIES,
    log: createLog({ find, call, append, failpoint, names: () => [...tenants.keys()] }),
    projections: createProjections(find, call),
    close: async () => {
      await (closing ??= Promise.allSettled(underWay));
      tenants.clear();
    },
  };
}

async function beforeAppend(failpoint: Failpoint): Promise<void> {
  try {
    await failpoint('append.before');
  } catch (cause) {
    throw new SwitchboardError('NOT_WRITTEN', undefined, { cause });
  }
}

async function afterAppend(failpoint: Failpoint, flushing: Promise<void>): Promise<void> {
  try {
    await flushing;
    await failpoint('append.afterFlush');
  } catch (cause) {
    throw new SwitchboardError('OUTCOME_UNKNOWN', undefined, { cause });
  }
}

interface LogParts {
  readonly find: Find;
  readonly call: Call;
  readonly append: (
    tenant: string,
    batch: LogBatch,
    options: CallOptions,
  ) => Promise<AppendOutcome>;
  readonly failpoint: Failpoint;
  readonly names: () => readonly string[];
}

function createLog({ find, call, append, failpoint, names }: LogParts): CommitLog {
  return {
    head: (tenant, options) => call(options, () => headOf(find(tenant))),
    newer: (held, options) =>
      call(options, () =>
        held.map(({ tenant, position }) => ({ tenant, ...newsOf(find(tenant), position) })),
      ),
    append: (tenant, batch, options = {}) => call(options, () => append(tenant, batch, options)),
    read: (tenant, after, options) =>
      call(options, () => sliceOf(find(tenant), after, options?.limitBytes ?? READ_LIMIT_BYTES)),
    positionAt: (tenant, revision, options) =>
      call(options, () => positionIn(find(tenant), revision)),
    compact: (tenant, upTo, options) =>
      call(options, () => {
        const { answersBefore } = options;
        return compactTenant(find(tenant), upTo, { answersBefore, failpoint });
      }),
    tenants: (options) => call(options, names),
  };
}

function createProjections(find: Find, call: Call): Projections {
  const query = <T>(
    tenant: string,
    options: ProjectionOptions | undefined,
    body: (rows: Rows) => T,
  ): Promise<Projected<T>> =>
    call(options, () => {
      const { rows } = find(tenant);
      const { revision } = rows;
      if (revision < (options?.atLeast ?? 0)) throw logEndsBefore(revision, options?.atLeast);
      return { from: revision, to: revision, value: body(rows) };
    });

  return {
    // Rows move with the log.
    project: (tenant, _upTo, options) => call(options, () => find(tenant).rows.revision),
    serversById: (tenant, ids, options) =>
      query(tenant, options, (rows) => ids.map((id) => findServer(rows, id))),
    sharedServers: (tenant, options) => query(tenant, options, findShared),
    privateServers: (tenant, subjects, options) =>
      query(tenant, options, (rows) => findPrivate(rows, subjects)),
    serversNamed: (tenant, named, options) =>
      query(tenant, options, (rows) => findNamed(rows, named)),
    deletedNamed: (tenant, named, options) =>
      query(tenant, options, (rows) => findDeleted(rows, named)),
    serversOfSet: (tenant, set, options) => query(tenant, options, (rows) => findOfSet(rows, set)),
    versions: (tenant, of, options) => query(tenant, options, (rows) => findVersions(rows, of)),
    accessSteps: (tenant, of, options) =>
      query(tenant, options, (rows) => findAccessSteps(rows, of)),
    inventory: (tenant, page, options) =>
      query(tenant, options, (rows) => findInventory(rows, page)),
    loadRecords: (tenant, users, options) =>
      query(tenant, options, (rows) => findLoads(rows, users)),
    privateSource: (tenant, options) => query(tenant, options, findPrivateSource),
    serversOfPrivateSource: (tenant, page, options) =>
      query(tenant, options, (rows) => findLoaded(rows, page)),
    answers: (tenant, requests, options) =>
      query(tenant, options, (rows) => {
        const { mark } = find(tenant);
        return requests.map((request) => findAnswer(rows, request, mark));
      }),
  };
}
