import { randomUUID } from 'node:crypto';
import type { Position, StoredCommit } from '../../domain/commit.js';
import { isSwitchboardError, SwitchboardError } from '../../domain/errors.js';
import { untilGivenUp, type CallOptions } from '../../storage/call-options.js';
import type { CommitLog } from '../../storage/log.js';

/** What became of commits that were to be appended. */
export type AppendResult =
  | { readonly kind: 'appended' }
  /** Another replica was first: none of them is written. */
  | { readonly kind: 'beaten' }
  /** Together they are too large: none of them is written. */
  | { readonly kind: 'too_large'; readonly error: SwitchboardError }
  /** The error says whether they may be written, or surely are not (rule 12). */
  | { readonly kind: 'failed'; readonly error: SwitchboardError };

/**
 * Appends commits after a place, together or not at all. Never throws: a log that does not
 * answer by the deadline, or fails without saying how, is OUTCOME_UNKNOWN.
 */
export async function appendCommits(
  { log, tenant }: { readonly log: CommitLog; readonly tenant: string },
  { after, commits }: { readonly after: Position; readonly commits: readonly StoredCommit[] },
  call: Pick<CallOptions, 'deadline'>,
): Promise<AppendResult> {
  const batch = { after, batchId: randomUUID(), commits };
  const appending = log
    .append(tenant, batch, call)
    .then(({ appended }): AppendResult => ({ kind: appended ? 'appended' : 'beaten' }), failureOf);
  try {
    return await untilGivenUp(appending, call);
  } catch (late) {
    return { kind: 'failed', error: outcomeUnknown(late) };
  }
}

/** What is told of commits that may be in the log. */
export function outcomeUnknown(cause: unknown): SwitchboardError {
  return new SwitchboardError('OUTCOME_UNKNOWN', undefined, { cause });
}

function failureOf(error: unknown): AppendResult {
  if (isSwitchboardError(error, 'COMMIT_TOO_LARGE')) return { kind: 'too_large', error };
  const saysHow = isSwitchboardError(error) && !isSwitchboardError(error, 'CATALOG_UNAVAILABLE');
  return { kind: 'failed', error: saysHow ? error : outcomeUnknown(error) };
}
