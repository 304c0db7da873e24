import type { Commit } from '../../../src/domain/commit.js';
import { SwitchboardError } from '../../../src/domain/errors.js';
import type { Failpoint } from '../../../src/domain/failpoint.js';
import type { RecordedAnswer } from '../../../src/domain/projection/project-commit.js';
import {
  firstSteps,
  type AccessStep,
  type StoredServer,
  type Tombstone,
} from '../../../src/domain/server.js';
import { throwIfGivenUp, type CallOptions } from '../../../src/storage/call-options.js';
import type { Catalog, CatalogCapabilities } from '../../../src/storage/catalog.js';
import {
  compareBytes,
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
  forgetAnswers,
} from '../../../src/storage/catalog/memory/queries.js';
import { openMemoryCatalog } from '../../../src/storage/catalog/memory/open-memory-catalog.js';
import { applyCommit, createRows, type Rows } from '../../../src/storage/catalog/memory/rows.js';
import {
  logEndsBefore,
  type PrivateServer,
  type Projected,
  type ProjectionOptions,
  type Projections,
} from '../../../src/storage/projections.js';
import { randomFrom } from '../random.js';

/** How a catalog lags; equal for equal seeds and equal calls. */
export interface LaggingOptions {
  readonly seed: number;
  /** One of so many reads fails with CATALOG_UNAVAILABLE. Default: none. */
  readonly failOneIn?: number;
  readonly failpoint?: Failpoint;
}

/** How often it lagged, so that a test can tell that it did. */
export interface LagCounts {
  /** Reads that reflect less than the log had when they began. */
  behind: number;
  /** Documents that are newer than the `from` of their read. */
  ahead: number;
  /** Reads that other work passed by. */
  late: number;
  failed: number;
  /** Reads for whose sake projections were brought forward, several of them at once. */
  helped: number;
}

export const LAGGING_CAPABILITIES: CatalogCapabilities = Object.freeze({
  durable: false,
  sharing: 'NONE',
  atomicProjections: false,
});

type FoundServer = StoredServer | Tombstone | undefined;

/** What is projected of one tenant: what everything shows, and what single documents show. */
interface Lagging {
  readonly behind: Rows;
  readonly ahead: Rows;
  helping: number;
  mark: number;
}

/** Takes one of two states of a document; undefined where there is none. */
type Choose = <T>(behind: T, ahead: T) => T;

/** Puts together a result of documents, each in one of two states. */
type Mix<T> = (behind: T, ahead: T, choose: Choose) => T;

/** What `find` finds in the rows, document by document in one of two states. */
type Read = <T>(
  tenant: string,
  wanted: ProjectionOptions | undefined,
  query: { readonly find: (rows: Rows) => T; readonly mix: Mix<T> },
) => Promise<Projected<T>>;

/**
 * The Catalog in memory with projections that lag, as those of a database do. They trail the
 * log by a changing number of commits; single documents are ahead of the others; reads take
 * several turns of the event loop, in which others write, project and read; and some fail.
 * What it says of itself is true: `from`, `to` and `atLeast` hold.
 */
export async function openLaggingCatalog(
  options: LaggingOptions,
): Promise<{ readonly catalog: Catalog; readonly counts: LagCounts }> {
  const { seed, failOneIn, failpoint } = options;
  const random = randomFrom(seed);
  const counts: LagCounts = { behind: 0, ahead: 0, late: 0, failed: 0, helped: 0 };
  const inner = await openMemoryCatalog(failpoint === undefined ? {} : { failpoint });
  const tenants = new Map<string, Lagging>();

  const stateOf = (tenant: string): Lagging => {
    const known = tenants.get(tenant);
    if (known !== undefined) return known;
    const made = { behind: createRows(), ahead: createRows(), helping: 0, mark: 0 };
    tenants.set(tenant, made);
    return made;
  };
  const pause = async (): Promise<void> => {
    const turns = random.below(4);
    if (turns > 0) counts.late += 1;
    for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
  };
  const bringForward = async (tenant: string, rows: Rows, upTo: number): Promise<void> => {
    while (rows.revision < upTo) {
      const { commits } = await inner.log.read(tenant, rows.revision);
      if (commits.length === 0) return;
      await pause();
      applyFitting(rows, commits, upTo);
    }
  };
  const help = async (tenant: string, upTo: number): Promise<void> => {
    const state = stateOf(tenant);
    state.helping += 1;
    if (state.helping > 1) counts.helped += 1;
    await bringForward(tenant, state.behind, upTo).finally(() => (state.helping -= 1));
  };
  const admit = async (limits: CallOptions | undefined): Promise<void> => {
    throwIfGivenUp(limits);
    if (failOneIn === undefined || !random.oneIn(failOneIn)) return;
    counts.failed += 1;
    throw new SwitchboardError('CATALOG_UNAVAILABLE', 'failed for once', { retryDelayMs: 1 });
  };
  const read: Read = async (tenant, wanted = {}, { find, mix }) => {
    const { atLeast = 0 } = wanted;
    const { revision } = await inner.log.head(tenant, wanted);
    await admit(wanted);
    if (revision < atLeast) throw logEndsBefore(revision, atLeast);
    const { behind, ahead } = stateOf(tenant);
    // By chance, what a projector in the background has done meanwhile.
    const background = behind.revision + random.below(revision - behind.revision + 1);
    const target = random.chance(30) ? background : 0;
    await help(tenant, Math.max(atLeast, target));
    const from = behind.revision;
    if (from < revision) counts.behind += 1;
    await pause();
    throwIfGivenUp(wanted);
    await bringForward(tenant, ahead, from + random.below((await headOf(tenant)) - from + 1));
    // Others may have brought all of it forward, but never one beyond the other.
    const to = Math.max(ahead.revision, behind.revision);
    const choose: Choose = (older, newer) => {
      if (ahead.revision <= from || !random.chance(40)) return older;
      if (JSON.stringify(older) !== JSON.stringify(newer)) counts.ahead += 1;
      return newer;
    };
    return { from, to, value: mix(find(behind), find(ahead), choose) };
  };
  const headOf = async (tenant: string): Promise<number> => (await inner.log.head(tenant)).revision;

  return {
    counts,
    catalog: {
      capabilities: LAGGING_CAPABILITIES,
      log: {
        ...inner.log,
        // The mark never passes what the projections reflect.
        compact: async (tenant, upTo, limits) => {
          throwIfGivenUp(limits);
          const { behind, ahead } = stateOf(tenant);
          for (const rows of [behind, ahead]) {
            await bringForward(tenant, rows, await headOf(tenant));
            forgetAnswers(rows, limits.answersBefore);
          }
          try {
            return await inner.log.compact(tenant, upTo, limits);
          } finally {
            stateOf(tenant).mark = (await inner.log.read(tenant, 0)).mark;
          }
        },
      },
      projections: {
        ...createReads(read, (tenant) => stateOf(tenant).mark),
        project: async (tenant, upTo, limits) => {
          const { revision } = await inner.log.head(tenant, limits);
          await help(tenant, Math.min(upTo, revision));
          return stateOf(tenant).behind.revision;
        },
      },
      close: () => inner.close(),
    },
  };
}

/** Each query is made without its limit, which then holds for what the documents come to. */
function createReads(read: Read, markOf: (tenant: string) => number): Omit<Projections, 'project'> {
  return {
    serversById: (tenant, ids, wanted) =>
      read(tenant, wanted, {
        find: (rows): readonly FoundServer[] => ids.map((id) => findServer(rows, id)),
        mix: mixAligned,
      }),
    sharedServers: (tenant, wanted) => read(tenant, wanted, { find: findShared, mix: mixBy(idOf) }),
    privateServers: (tenant, subjects, wanted) =>
      read(tenant, wanted, {
        find: (rows) => findPrivate(rows, subjects),
        mix: mixBy<PrivateServer>(idOf),
      }),
    serversNamed: (tenant, { name, limit }, wanted) =>
      read(tenant, wanted, {
        find: (rows) => findNamed(rows, { name, limit: Infinity }),
        mix: mixBy(idOf, { order: byId, limit }),
      }),
    deletedNamed: (tenant, { name, limit }, wanted) =>
      read(tenant, wanted, {
        find: (rows) => findDeleted(rows, { name, limit: Infinity }),
        mix: mixBy(({ id }) => id, { order: (a, b) => b.revision - a.revision, limit }),
      }),
    serversOfSet: (tenant, set, wanted) =>
      read(tenant, wanted, {
        find: (rows) => findOfSet(rows, set),
        mix: mixBy(idOf, { order: byId }),
      }),
    versions: (tenant, { limit, ...of }, wanted) =>
      read(tenant, wanted, {
        find: (rows) => findVersions(rows, { ...of, limit: Infinity }),
        mix: mixBy(({ generation }) => String(generation), {
          order: (a, b) => b.generation - a.generation,
          limit,
        }),
      }),
    accessSteps: (tenant, { limit, subjects, ...of }, wanted) =>
      read(tenant, wanted, {
        find: (rows) => findAccessSteps(rows, { ...of, limit: Infinity, subjects: Infinity }),
        mix: (behind, ahead, choose) => {
          const order = (a: AccessStep, b: AccessStep): number => b.revision - a.revision;
          const mix = mixBy<AccessStep>(({ revision }) => String(revision), { order });
          return firstSteps(mix(behind, ahead, choose), { limit, subjects });
        },
      }),
    inventory: (tenant, { afterId, limit }, wanted) =>
      read(tenant, wanted, {
        find: (rows) => findInventory(rows, { afterId, limit: Infinity }),
        mix: mixBy(idOf, { order: byId, limit }),
      }),
    loadRecords: (tenant, users, wanted) =>
      read(tenant, wanted, {
        find: (rows) => findLoads(rows, users),
        mix: mixBy(({ user }) => user),
      }),
    privateSource: (tenant, wanted) =>
      read(tenant, wanted, {
        find: findPrivateSource,
        mix: (behind, ahead, choose) => choose(behind, ahead),
      }),
    serversOfPrivateSource: (tenant, { namespace, afterId, limit }, wanted) =>
      read(tenant, wanted, {
        find: (rows) => findLoaded(rows, { namespace, afterId, limit: Infinity }),
        mix: mixBy(idOf, { order: byId, limit }),
      }),
    answers: (tenant, requests, wanted) =>
      read(tenant, wanted, {
        find: (rows): readonly (RecordedAnswer | undefined)[] =>
          requests.map((request) => findAnswer(rows, request, markOf(tenant))),
        mix: mixAligned,
      }),
  };
}

/** Only what continues the rows: others may have brought them forward meanwhile. */
function applyFitting(rows: Rows, commits: readonly Commit[], upTo: number): void {
  for (const commit of commits) {
    if (commit.revision === rows.revision + 1 && commit.revision <= upTo) applyCommit(rows, commit);
  }
}

function mixAligned<T>(behind: readonly T[], ahead: readonly T[], choose: Choose): readonly T[] {
  return behind.map((document, at) => choose(document, ahead[at] as T));
}

function mixBy<T>(
  keyOf: (document: T) => string,
  wanted: { readonly order?: (a: T, b: T) => number; readonly limit?: number } = {},
): Mix<readonly T[]> {
  const { order, limit = Infinity } = wanted;
  return (behind, ahead, choose) => {
    const older = new Map(behind.map((document) => [keyOf(document), document]));
    const newer = new Map(ahead.map((document) => [keyOf(document), document]));
    const keys = [...new Set([...older.keys(), ...newer.keys()])];
    const mixed = keys.flatMap((key) => choose(older.get(key), newer.get(key)) ?? []);
    if (order !== undefined) mixed.sort(order);
    return mixed.slice(0, Math.max(0, limit));
  };
}

function idOf({ record }: StoredServer): string {
  return record.id;
}

function byId(a: StoredServer, b: StoredServer): number {
  return compareBytes(idOf(a), idOf(b));
}
