import type { Position, StoredCommit } from '../domain/commit.js';
import { SwitchboardError } from '../domain/errors.js';
import type { CallOptions } from './call-options.js';

/** Commits that belong together: all of them are appended, or none. */
export interface LogBatch {
  /** The place after which they go. The first commit has the next revision. */
  readonly after: Position;
  /** Random; tells our own batch from another one in its place. */
  readonly batchId: string;
  /** At least one; their bodies come to at most `MAX_BATCH_BYTES`. */
  readonly commits: readonly StoredCommit[];
}

/** `appended: false` means that someone else was first; `head` is where the log now ends. */
export interface AppendOutcome {
  readonly appended: boolean;
  readonly head: Position;
}

/** A piece of the log. */
export interface LogSlice {
  /** Ordered and without holes, beginning right after what was asked for. */
  readonly commits: readonly StoredCommit[];
  /** The head when it was read: more may follow if the last commit is before it. */
  readonly head: Position;
  /** The compaction mark: commits up to it can no longer be read. 0 for none. */
  readonly mark: number;
}

/** A tenant and the place in its log up to which somebody has it. */
export interface HeldPosition {
  readonly tenant: string;
  readonly position: Position;
}

/** What became of a log since a position in it. */
export interface LogNews {
  readonly tenant: string;
  /** The epoch of the log as it is now. */
  readonly epoch: string;
  /**
   * Whether the position is still one of this log: of its epoch, not below the mark, and with
   * the same fingerprint at its revision. If not, the log cannot be followed from there.
   */
  readonly isHeld: boolean;
  /** Whether there are commits beyond the revision of the position. */
  readonly hasNewer: boolean;
}

/** The bodies of a batch, and so of a commit, may be this large together, on every engine. */
export const MAX_BATCH_BYTES = 8 * 1024 * 1024;

/** Throws COMMIT_TOO_LARGE, and INTERNAL unless the commits follow the place of the batch. */
export function demandBatch({ after, commits }: LogBatch): void {
  const inOrder = commits.every((commit, at) => commit.revision === after.revision + 1 + at);
  if (commits.length === 0 || !inOrder) {
    throw new SwitchboardError('INTERNAL', 'a batch needs commits that follow its position');
  }
  const bytes = commits.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0);
  if (bytes <= MAX_BATCH_BYTES) return;
  const text = `${String(bytes)} bytes, ${String(MAX_BATCH_BYTES)} are allowed`;
  throw new SwitchboardError('COMMIT_TOO_LARGE', text);
}

/**
 * Per tenant one ordered log of commits: the only order and the only truth.
 *
 * A tenant that was never written to has a log too: it is empty, with an epoch that is
 * already its own; reading it writes nothing.
 *
 * Commits are kept as they were encoded. What is read has the body and the fingerprint that
 * were appended, whatever version of Switchboard appended them.
 *
 * Errors: CLOSED after `close`; CANCELLED and DEADLINE_EXCEEDED as `CallOptions` says;
 * CATALOG_UNAVAILABLE when the store cannot be reached or written. `append` may also fail
 * with COMMIT_TOO_LARGE, NOT_WRITTEN (the batch never left) and OUTCOME_UNKNOWN.
 */
export interface CommitLog {
  /** The confirmed end of the log: nothing acknowledged before the call is missing from it. */
  head(tenant: string, options?: CallOptions): Promise<Position>;

  /**
   * What became of the logs of many tenants since these positions, in one query and in the
   * order of the positions. This is for polling: unlike `head` it confirms nothing.
   */
  newer(held: readonly HeldPosition[], options?: CallOptions): Promise<readonly LogNews[]>;

  /**
   * Appends all commits of the batch after `batch.after`, or none. Resolves once they are
   * as durable as the engine makes them. Refused, with the head, if the log does not end
   * at `batch.after`. A batch that is already in its place is a success.
   *
   * It can be given up, without any effect, only until the store has the batch. Later an
   * aborted signal changes nothing, and a deadline that passes is OUTCOME_UNKNOWN.
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
   * Forgets answers to requests recorded before `answersBefore` (milliseconds since 1970),
   * moves the mark to the end of the last document at or below `upTo`, and empties the
   * documents up to it, which keep their keys: in this order. The mark never passes what the
   * projections reflect and never goes back; an answer at or below it counts as forgotten.
   * Returns the mark. What ends on the way is completed by the next compaction.
   */
  compact(
    tenant: string,
    upTo: number,
    options: CallOptions & { readonly answersBefore: number },
  ): Promise<number>;

  /** The tenants that have commits, in any order. */
  tenants(options?: CallOptions): Promise<readonly string[]>;
}
