import type { Commit, Position } from '../domain/commit.js';
import type { LoadRecord } from '../domain/load-record.js';
import type { SourceRecord } from '../domain/source-record.js';
import type { ServerVersion, StoredServer, Tombstone } from '../domain/server.js';
import type { Subject } from '../domain/view.js';

/** Every call can be given up; it then throws CANCELLED and has no effect unless it says so. */
export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** What an engine can do. A capability that is declared absent is tested to be absent. */
export interface CatalogCapabilities {
  /** Whether what was acknowledged survives the death of the process. */
  readonly durable: boolean;
  /** Whether several processes may open the same data at once. */
  readonly multiProcess: boolean;
  /** Whether projections are written in one transaction with the log, and so never lag. */
  readonly atomicProjections: boolean;
}

/** Commits that belong together: all of them are appended, or none. */
export interface LogBatch {
  /** The place after which they go. The first commit has the next revision. */
  readonly after: Position;
  /** Random; tells our own batch from another one in its place. */
  readonly batchId: string;
  /** At least one; at most `MAX_BATCH_BYTES` when encoded. */
  readonly commits: readonly Commit[];
}

/** `appended: false` means that someone else was first; `head` is where the log now ends. */
export interface AppendOutcome {
  readonly appended: boolean;
  readonly head: Position;
}

/** A piece of the log. */
export interface LogSlice {
  /** Ordered and without holes, beginning right after what was asked for. */
  readonly commits: readonly Commit[];
  /** The head when it was read: more may follow if the last commit is before it. */
  readonly head: Position;
  /** The compaction mark: commits up to it can no longer be read. 0 for none. */
  readonly mark: number;
}

/** What a projection answers, with the revision that it reflects. */
export interface Projected<T> {
  readonly revision: number;
  readonly value: T;
}

/** Where the answer to a repeated request is found. */
export interface RecordedAnswer {
  /** The commit that answered it. */
  readonly revision: number;
  readonly bodyDigest: string;
  /** The time of that commit. Milliseconds since 1970. */
  readonly time: number;
}

/** An encoded batch, and so a commit, may be this large on every engine. */
export const MAX_BATCH_BYTES = 8 * 1024 * 1024;

/**
 * The Catalog: per tenant one ordered log of commits, and projections of it. It is the
 * only order and the only truth.
 *
 * A tenant that was never written to has a log too: it is empty, with an epoch that is
 * already its own; reading it writes nothing.
 *
 * Errors: CLOSED after `close`; CANCELLED when `signal` aborts; CATALOG_UNAVAILABLE when
 * the store cannot be reached or written. `append` may also fail with COMMIT_TOO_LARGE,
 * NOT_WRITTEN (the batch never left) and OUTCOME_UNKNOWN.
 */
export interface Catalog {
  readonly capabilities: CatalogCapabilities;

  /** The confirmed end of the log: nothing acknowledged before the call is missing from it. */
  head(tenant: string, options?: CallOptions): Promise<Position>;

  /**
   * Appends all commits of the batch after `batch.after`, or none. Resolves once they are
   * as durable as the engine makes them. Refused, with the head, if the log does not end
   * at `batch.after`. A batch that is already in its place is a success.
   */
  append(tenant: string, batch: LogBatch, options?: CallOptions): Promise<AppendOutcome>;

  /**
   * Commits after revision `after`, at most about `limitBytes` (at least one, default
   * 1 MiB). An empty slice whose `mark` is above `after` means that they are compacted.
   */
  read(
    tenant: string,
    after: number,
    options?: CallOptions & { readonly limitBytes?: number },
  ): Promise<LogSlice>;

  /** The place of one retained revision (0 is always retained while the mark is 0). */
  positionAt(
    tenant: string,
    revision: number,
    options?: CallOptions,
  ): Promise<Position | undefined>;

  /**
   * Empties the documents that lie wholly at or below `upTo` and keeps their keys, forgets
   * answers to requests recorded before `answersBefore` (milliseconds since 1970) and moves
   * the mark, which never passes what the projections reflect and never goes back.
   * Answers the mark.
   */
  compact(
    tenant: string,
    upTo: number,
    options: CallOptions & { readonly answersBefore: number },
  ): Promise<number>;

  /**
   * Brings the projections forward to at least `upTo`, or as far as the log goes. Anyone
   * may call it; it is idempotent and never goes back. Answers the revision reflected.
   */
  project(tenant: string, upTo: number, options?: CallOptions): Promise<number>;

  /** One server; a tombstone if it was deleted; undefined if the id was never used. */
  serverById(
    tenant: string,
    id: string,
    options?: CallOptions,
  ): Promise<Projected<StoredServer | Tombstone | undefined>>;

  /** All APP and USER servers. */
  sharedServers(tenant: string, options?: CallOptions): Promise<Projected<readonly StoredServer[]>>;

  /** The PRIVATE servers that are owned by or granted to at least one of the subjects, each once. */
  privateServers(
    tenant: string,
    subjects: readonly Subject[],
    options?: CallOptions,
  ): Promise<Projected<readonly StoredServer[]>>;

  /** The servers of a name, whoever owns them: at most `limit`, those with the smallest ids. */
  serversNamed(
    tenant: string,
    query: { readonly name: string; readonly limit: number },
    options?: CallOptions,
  ): Promise<Projected<readonly StoredServer[]>>;

  /**
   * What is left of servers that had a name when they were deleted, and are still deleted:
   * at most `limit`, the newest first.
   */
  deletedNamed(
    tenant: string,
    query: { readonly name: string; readonly limit: number },
    options?: CallOptions,
  ): Promise<Projected<readonly Tombstone[]>>;

  /** The servers that belong to a declared set, by id. */
  serversOfSource(
    tenant: string,
    source: string,
    options?: CallOptions,
  ): Promise<Projected<readonly StoredServer[]>>;

  /**
   * The versions of a server before generation `before` (default: all), the newest first,
   * at most `limit`; also of a deleted one. None if the id was never used.
   */
  versions(
    tenant: string,
    query: { readonly id: string; readonly before?: number; readonly limit: number },
    options?: CallOptions,
  ): Promise<Projected<readonly ServerVersion[]>>;

  /**
   * The servers with the next ids after `afterId`, at most `limit`, in the order of the
   * UTF-8 bytes of their ids. Tombstones are left out.
   */
  inventory(
    tenant: string,
    page: { readonly afterId: string; readonly limit: number },
    options?: CallOptions,
  ): Promise<Projected<readonly StoredServer[]>>;

  /** The load records of those of the users who have one, each once, in any order. */
  loadRecords(
    tenant: string,
    users: readonly string[],
    options?: CallOptions,
  ): Promise<Projected<readonly LoadRecord[]>>;

  /** The private source of a tenant; undefined if nothing was ever loaded from one. */
  privateSource(
    tenant: string,
    options?: CallOptions,
  ): Promise<Projected<SourceRecord | undefined>>;

  /**
   * The servers that are loaded from the private source with this namespace: at most
   * `limit`, those that follow `afterId` in an order of ids that stays the same.
   */
  serversOfPrivateSource(
    tenant: string,
    query: { readonly namespace: string; readonly afterId: string; readonly limit: number },
    options?: CallOptions,
  ): Promise<Projected<readonly StoredServer[]>>;

  /** Where the answer to a request is found, if it committed and is still remembered. */
  answer(
    tenant: string,
    request: { readonly principal: string; readonly requestId: string },
    options?: CallOptions,
  ): Promise<Projected<RecordedAnswer | undefined>>;

  /** The tenants that have commits, in any order. */
  tenants(options?: CallOptions): Promise<readonly string[]>;

  /** Waits for what is under way, then closes. Closing twice is fine. */
  close(): Promise<void>;
}

/** Whether a projected server is the trace of a deleted one. */
export function isTombstone(server: StoredServer | Tombstone): server is Tombstone {
  return !('record' in server);
}
