import { isSwitchboardError, SwitchboardError } from '../../../domain/errors.js';

/** After how long a refused write may be tried again, in milliseconds. */
const RETRY_DELAY_MS = 1_000;

/** Any error of LMDB as one of ours. */
export function toCatalogError(error: unknown): SwitchboardError {
  if (isSwitchboardError(error)) return error;
  return new SwitchboardError('CATALOG_UNAVAILABLE', `LMDB: ${textOf(error)}`, {
    cause: error,
    retryDelayMs: RETRY_DELAY_MS,
  });
}

/** NOT_WRITTEN for what led to it. */
export function notWritten(cause: unknown): SwitchboardError {
  return new SwitchboardError('NOT_WRITTEN', `nothing was written: ${textOf(cause)}`, {
    cause,
    retryDelayMs: RETRY_DELAY_MS,
  });
}

/** OUTCOME_UNKNOWN for what led to it. */
export function outcomeUnknown(cause: unknown): SwitchboardError {
  return new SwitchboardError('OUTCOME_UNKNOWN', `the commit failed: ${textOf(cause)}`, {
    cause,
    retryDelayMs: RETRY_DELAY_MS,
  });
}

/**
 * Why a commit failed. lmdb rejects the writes of a failed transaction with a stand-in
 * that has a promise of the true error; that promise must be taken care of.
 */
export async function causeOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error;
  return Promise.resolve(error.commitError).then(
    () => error,
    (cause: unknown) => cause,
  );
}

/** The message of whatever was thrown. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
