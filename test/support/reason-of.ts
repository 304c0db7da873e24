import { isSwitchboardError, type ErrorReason } from '../../src/domain/errors.js';

/** The reason with which `work` is refused, or `done`. Any other error fails the test. */
export async function reasonOf(work: Promise<unknown>): Promise<ErrorReason | 'done'> {
  try {
    await work;
    return 'done';
  } catch (error) {
    return reasonIn(error);
  }
}

/** The same of a call that does not wait. */
export function reasonThrown(call: () => unknown): ErrorReason | 'done' {
  try {
    call();
    return 'done';
  } catch (error) {
    return reasonIn(error);
  }
}

function reasonIn(error: unknown): ErrorReason {
  if (!isSwitchboardError(error)) throw error;
  return error.reason;
}
