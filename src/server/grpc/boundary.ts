import { randomUUID } from 'node:crypto';
import { isSwitchboardError, SwitchboardError } from '../../domain/errors.js';
import type { Log } from '../log.js';

/** For the log: which call it was. */
export interface FailedCall {
  readonly method: string;
  readonly principal: string | undefined;
}

/**
 * What a failed call is answered with. Whatever is not a SwitchboardError is a defect: it
 * is logged here, once, and the caller learns only a correlation id. Retry delays are
 * spread by half to both sides, so that those who were told together do not come back
 * together.
 */
export function atBoundary(error: unknown, call: FailedCall, log: Log): SwitchboardError {
  if (!isSwitchboardError(error) || error.reason === 'INTERNAL')
    return hideDefect(error, call, log);
  if (error.cause !== undefined) {
    log.warn({ ...call, reason: error.reason, err: error.cause }, error.message);
  } else {
    log.debug({ ...call, reason: error.reason }, error.message);
  }
  return spreadRetryDelay(error);
}

function hideDefect(error: unknown, call: FailedCall, log: Log): SwitchboardError {
  const correlationId = randomUUID();
  log.error({ ...call, correlationId, err: error }, 'unexpected error');
  return new SwitchboardError('INTERNAL', `Unexpected error; the log has it as ${correlationId}.`, {
    metadata: { correlation_id: correlationId },
  });
}

function spreadRetryDelay(error: SwitchboardError): SwitchboardError {
  if (error.retryDelayMs === undefined) return error;
  const { metadata, violations } = error;
  return new SwitchboardError(error.reason, error.message, {
    metadata,
    violations,
    retryDelayMs: Math.round(error.retryDelayMs * (0.5 + Math.random())),
  });
}
