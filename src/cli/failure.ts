import { ERROR_REASONS, isSwitchboardError } from '../domain/errors.js';
import { codeOf } from '../wire/status.js';
import { printable, printableLines } from './text.js';

/** What the command ends with. */
export const EXIT_CODES = {
  /** Done; also a watch that was stopped with Ctrl-C. */
  ok: 0,
  /** Failed in another way than those below. */
  failed: 1,
  /** The command line is wrong, or the request was refused as it is. */
  usage: 2,
  /** The view has no such server. */
  notFound: 3,
  /** The credential is missing, unknown, or not good enough. */
  notAllowed: 4,
  /** The server cannot be reached, or cannot answer now. Trying again may help. */
  unavailable: 5,
} as const;

/** Something wrong with how the command was called, in words for whoever called it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The exit code that tells scripts what went wrong. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT_CODES.usage;
  if (!isSwitchboardError(error)) return EXIT_CODES.failed;
  switch (codeOf(error)) {
    case 'INVALID_ARGUMENT':
      return EXIT_CODES.usage;
    case 'NOT_FOUND':
      // What a proxy does not find is no server of a view.
      return error.reason === 'UNRECOGNIZED_STATUS' ? EXIT_CODES.failed : EXIT_CODES.notFound;
    case 'UNAUTHENTICATED':
    case 'PERMISSION_DENIED':
      return EXIT_CODES.notAllowed;
    case 'UNAVAILABLE':
    case 'DEADLINE_EXCEEDED':
      return EXIT_CODES.unavailable;
    default:
      return EXIT_CODES.failed;
  }
}

/** What went wrong and what to do about it, for a person. */
export function describeFailure(error: unknown): string {
  if (!isSwitchboardError(error)) {
    const message = error instanceof Error ? error.message : String(error);
    return `switchboard: ${printableLines(message)}\n`;
  }
  const facts = Object.entries(error.metadata).map(([key, value]) => `  ${key}: ${value}`);
  const fields = error.violations.map(({ field, description }) => `  ${field}: ${description}`);
  return [
    `switchboard: ${error.reason}: ${error.message}`,
    ...fields,
    ...facts,
    `  What to do: ${ERROR_REASONS[error.reason].fix}`,
  ]
    .map((line) => `${printable(line)}\n`)
    .join('');
}
