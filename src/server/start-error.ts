/** Something that a person has to put right before the server can start: told in one line. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
