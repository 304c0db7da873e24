import { SwitchboardError } from '../domain/errors.js';
import type { LoadRecord } from '../domain/load-record.js';
import type { RecordedAnswer } from '../domain/projection/project-commit.js';
import type {
  AccessStep,
  AccessStepsQuery,
  ServerVersion,
  StoredServer,
  Tombstone,
} from '../domain/server.js';
import type { SourceRecord } from '../domain/source-record.js';
import type { Subject } from '../domain/view.js';
import type { CallOptions } from './call-options.js';

/**
 * What a projection returns, and what of the log it reflects: everything up to `from` is in
 * it, nothing after `to`, and of each commit between them it may have some documents and lack
 * others. Whoever wants one state replays the log from `from` to at least `to`. Where
 * projections are written together with the log, both are the same revision.
 */
export interface Projected<T> {
  readonly from: number;
  readonly to: number;
  readonly value: T;
}

/** A PRIVATE server, with the grants of those subjects that were asked for. */
export interface PrivateServer extends StoredServer {
  /** Whether there may be grants to others besides. */
  readonly isPartial: boolean;
}

/** How a projection is read. */
export interface ProjectionOptions extends CallOptions {
  /**
   * The least that `from` may be: the engine brings the projections forward first. Throws
   * CATALOG_UNAVAILABLE if the log ends before it. Default 0: whatever is there.
   */
  readonly atLeast?: number;
}

/** Who made a request, and its id. */
export interface RequestId {
  readonly principal: string;
  readonly requestId: string;
}

/**
 * Projections of the logs: what the commits amount to, found by more than their order.
 *
 * Errors: CLOSED after `close`; CANCELLED and DEADLINE_EXCEEDED as `CallOptions` says;
 * CATALOG_UNAVAILABLE when the store cannot be reached, or `atLeast` cannot be had.
 */
export interface Projections {
  /**
   * Brings the projections forward to at least `upTo`, or as far as the log goes. Anyone
   * may call it, several at once; it never goes back. Returns the revision reflected.
   */
  project(tenant: string, upTo: number, options?: CallOptions): Promise<number>;

  /** Servers in the order of their ids; tombstones of those deleted, undefined for others. */
  serversById(
    tenant: string,
    ids: readonly string[],
    options?: ProjectionOptions,
  ): Promise<Projected<readonly (StoredServer | Tombstone | undefined)[]>>;

  /** All APP and USER servers. */
  sharedServers(
    tenant: string,
    options?: ProjectionOptions,
  ): Promise<Projected<readonly StoredServer[]>>;

  /** The PRIVATE servers that are owned by or granted to at least one of the subjects, each once. */
  privateServers(
    tenant: string,
    subjects: readonly Subject[],
    options?: ProjectionOptions,
  ): Promise<Projected<readonly PrivateServer[]>>;

  /** The servers of a name, whoever owns them: at most `limit`, those with the smallest ids. */
  serversNamed(
    tenant: string,
    query: { readonly name: string; readonly limit: number },
    options?: ProjectionOptions,
  ): Promise<Projected<readonly StoredServer[]>>;

  /**
   * What is left of servers that had a name when they were deleted, and are still deleted:
   * at most `limit`, the newest first.
   */
  deletedNamed(
    tenant: string,
    query: { readonly name: string; readonly limit: number },
    options?: ProjectionOptions,
  ): Promise<Projected<readonly Tombstone[]>>;

  /** The servers that belong to a declared set, by id. */
  serversOfSet(
    tenant: string,
    set: string,
    options?: ProjectionOptions,
  ): Promise<Projected<readonly StoredServer[]>>;

  /**
   * The versions of a server before generation `before` (default: all), the newest first,
   * at most `limit`; also of a deleted one. None if the id was never used.
   */
  versions(
    tenant: string,
    query: { readonly id: string; readonly before?: number; readonly limit: number },
    options?: ProjectionOptions,
  ): Promise<Projected<readonly ServerVersion[]>>;

  /**
   * The changes of access to a server, the newest first, as `AccessStepsQuery` says; also of a
   * deleted one. A store has those that were made since engines keep them.
   */
  accessSteps(
    tenant: string,
    query: AccessStepsQuery,
    options?: ProjectionOptions,
  ): Promise<Projected<readonly AccessStep[]>>;

  /**
   * The servers with the next ids after `afterId`, at most `limit`, in the order of the
   * UTF-8 bytes of their ids. Tombstones are left out.
   */
  inventory(
    tenant: string,
    page: { readonly afterId: string; readonly limit: number },
    options?: ProjectionOptions,
  ): Promise<Projected<readonly StoredServer[]>>;

  /** The load records of those of the users who have one, each once, in any order. */
  loadRecords(
    tenant: string,
    users: readonly string[],
    options?: ProjectionOptions,
  ): Promise<Projected<readonly LoadRecord[]>>;

  /** The private source of a tenant; undefined if nothing was ever loaded from one. */
  privateSource(
    tenant: string,
    options?: ProjectionOptions,
  ): Promise<Projected<SourceRecord | undefined>>;

  /**
   * The servers that are loaded from the private source with this namespace: at most
   * `limit`, those that follow `afterId` in an order of ids that stays the same.
   */
  serversOfPrivateSource(
    tenant: string,
    query: { readonly namespace: string; readonly afterId: string; readonly limit: number },
    options?: ProjectionOptions,
  ): Promise<Projected<readonly StoredServer[]>>;

  /**
   * Where the answers to requests are found, in the order of the requests; undefined for
   * those that did not commit or are forgotten.
   */
  answers(
    tenant: string,
    requests: readonly RequestId[],
    options?: ProjectionOptions,
  ): Promise<Projected<readonly (RecordedAnswer | undefined)[]>>;
}

/** What a read throws whose `atLeast` is beyond the end of the log. */
export function logEndsBefore(revision: number, atLeast = 0): SwitchboardError {
  const text = `the log ends at ${String(revision)}, ${String(atLeast)} was asked for`;
  return new SwitchboardError('CATALOG_UNAVAILABLE', text, { retryDelayMs: 1_000 });
}

/** Whether a projected server is the trace of a deleted one. */
export function isTombstone(server: StoredServer | Tombstone): server is Tombstone {
  return !('record' in server);
}
